// Where tracks come from: all of them in the page (Embedded), or a server that is asked for some at a time (Served).
// Both answer `find`, `similar` and `track` with promises. A track is what webpage.row makes, and its `curves` have a
// byte for each genre and window: percent of the library that has less, plus 128 where the track has most of the genre.

const STRETCH = 3; // windows of the stretch at which to begin to listen, as in search.py

class Embedded {
  constructor(about) {
    this.about = about;
    this.tracks = about.tracks;
    this.byId = new Map(this.tracks.map((track) => [track.id, track]));
  }

  async find(search, first, count) {
    const fitting = this.tracks.filter(filter(search));
    const wanted = search.weights.some((weight) => weight !== 0);
    if (wanted) {
      const scores = new Map(fitting.map((track) => [track, mix(track.ranks, search.weights)]));
      fitting.sort((a, b) => scores.get(b) - scores.get(a));
      const rows = fitting.slice(first, first + count);
      return { total: fitting.length, rows: rows.map((track) => this.match(track, scores.get(track), search.weights)) };
    }
    return { total: fitting.length, rows: fitting.slice(first, first + count) };
  }

  async similar(like, search) {
    const found = this.byId.get(like.id).like.map(([other, score, start_s, end_s]) => {
      return { ...this.byId.get(other), score, start_s, end_s };
    });
    const rows = found.filter(filter(search));
    return { total: rows.length, rows };
  }

  async track(id) {
    return this.byId.get(id);
  }

  match(track, score, weights) {
    const curves = curvesOf(track, this.about.genres.length);
    const scores = track.starts_s.map((_, window) => mix(curves.map((curve) => (curve[window] & 127) / 100), weights));
    const [start_s, end_s] = bestStretch(track, scores, this.about.window_s);
    return { ...track, score, start_s, end_s };
  }
}

class Served {
  constructor(about) {
    this.about = about;
    this.asked = null;
  }

  find(search, first, count) {
    const weights = search.weights.join(",");
    return this.ask("find", { weights, text: search.text, least: search.least_s, first, count }, true);
  }

  similar(like, search) {
    const part = like.from === null ? {} : { from: like.from, to: like.to };
    return this.ask("similar", { track: like.id, ...part, text: search.text, least: search.least_s }, true);
  }

  track(id) {
    return this.ask("explain", { track: id }, false);
  }

  // What is asked for next takes the place of what was asked for before.
  async ask(what, parameters, instead) {
    if (instead && this.asked) this.asked.abort();
    const control = new AbortController();
    if (instead) this.asked = control;
    const address = `api/${what}?${new URLSearchParams(parameters)}`;
    const answer = await fetch(address, { signal: control.signal }).catch((error) => {
      throw error.name === "AbortError" ? error : new Error("The program that shows this page has ended.");
    });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error);
    return content;
  }
}

// Text without case, accents and other marks, as `words.folded` has it; `searched` of a track is folded already.
function folded(text) {
  const withoutMarks = (some) => some.normalize("NFKD").replace(/\p{Mn}/gu, "");
  return withoutMarks(withoutMarks(text).toUpperCase().toLowerCase().replaceAll("ς", "σ"));
}

// Whether a track has all of the words, and is long enough.
function filter(search) {
  const words = folded(search.text).split(/\s+/).filter(Boolean);
  return (track) => track.duration_s >= search.least_s && words.every((word) => track.searched.includes(word));
}

// A weighted mean of ranks, for negative weights of 1 minus them: `search.find` says why.
function mix(ranks, weights) {
  let sum = 0, all = 0;
  for (let k = 0; k < weights.length; k++) {
    sum += weights[k] > 0 ? weights[k] * ranks[k] : -weights[k] * (1 - ranks[k]);
    all += Math.abs(weights[k]);
  }
  return all ? sum / all : 0;
}

function curvesOf(track, nGenres) {
  const bytes = Uint8Array.from(atob(track.curves), (character) => character.charCodeAt(0));
  const size = bytes.length / nGenres;
  return Array.from({ length: nGenres }, (_, k) => bytes.subarray(k * size, (k + 1) * size));
}

// Begin and end of the windows in a row with the highest mean; one that leaps over silence counts if no other does.
function bestStretch(track, scores, window_s) {
  const starts = track.starts_s, length = Math.min(STRETCH, scores.length);
  let best = -1, highest = -Infinity, bestTight = false;
  for (let first = 0; first + length <= scores.length; first++) {
    const tight = starts[first + length - 1] - starts[first] < (length - 0.5) * window_s;
    let sum = 0;
    for (let k = first; k < first + length; k++) sum += scores[k];
    if ((tight && !bestTight) || (tight === bestTight && sum > highest)) {
      [best, highest, bestTight] = [first, sum, tight];
    }
  }
  return [starts[best], Math.min(starts[best + length - 1] + window_s, track.duration_s)];
}
