// The page: sliders and filters make a search, the search makes a list, of which a part is drawn at a time.
// The search stands in the address behind #, so that links, bookmarks and the back button work.

const PORTION = 20; // tracks that are drawn at a time
const WAIT_MS = { embedded: 0, served: 120 }; // while a slider moves
const about = JSON.parse(document.getElementById("library").textContent);
const library = about.tracks ? new Embedded(about) : new Served(about);
const at = (id) => document.getElementById(id);
const sliders = about.genres.map(slider);
let drawnRows = [], total = 0, turn = 0, timer = 0, saying = 0, like = null, playing = null;

function slider(genre, k) {
  const input = element("input", { type: "range", min: "-1", max: "1", step: "0.1", value: "0", id: `genre-${k}` });
  const output = element("output", { htmlFor: input.id });
  const box = element("div", { className: "slider" }, element("label", { htmlFor: input.id }, genre), input, output);
  input.oninput = () => { show(); changed(true); };
  input.ondblclick = () => { input.value = 0; show(); changed(true); };
  function show() {
    const weight = Number(input.value);
    box.classList.toggle("more", weight > 0);
    box.classList.toggle("less", weight < 0);
    // The middle of the thumb moves between half a thumb from either end; a background's position counts differently.
    const size = Math.abs(weight) * 50;
    box.style.setProperty("--size", `${size}%`);
    box.style.setProperty("--from", `${(100 * (weight < 0 ? 50 - size : 50)) / (100 - size)}%`);
    output.textContent = weight ? (weight > 0 ? "+" : "−") + Math.abs(weight).toFixed(1) : "";
    const words = `${weight > 0 ? "more" : "less"}, ${Math.abs(weight).toFixed(1)}`;
    input.ariaValueText = weight ? words : "does not matter";
  }
  at("sliders").append(box);
  return { input, show };
}

function searchOf() {
  const weights = sliders.map(({ input }) => Number(input.value));
  return { weights, text: at("text").value.trim(), least_s: Number(at("least").value) };
}

function addressOf(search, like = null) {
  const parts = new URLSearchParams();
  if (like) {
    parts.set("like", like.id);
    if (like.from !== null) parts.set("from", like.from);
    if (like.from !== null) parts.set("to", like.to);
  } else if (search.weights.some((weight) => weight)) parts.set("mix", search.weights.join(","));
  if (search.text) parts.set("text", search.text);
  if (search.least_s) parts.set("least", search.least_s);
  return `#${parts}`;
}

// Take up what the address says: a search, or a track that others are to be like.
function follow() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (/^\d+(\.\d+)?$/.test(parts.get(name) ?? "") ? Number(parts.get(name)) : null);
  if (number("like") !== null) {
    like = { id: number("like"), from: number("from"), to: number("to") };
    if (!about.parts || like.from === null || like.to === null) like.from = like.to = null;
    if (parts.has("text")) at("text").value = parts.get("text");
    if (parts.has("least")) setLeast(parts.get("least"));
    at("back").href = addressOf(searchOf());
    history.replaceState(null, "", addressOf(searchOf(), like)); // with the filters, which stay
    return list(true);
  }
  like = null;
  const weights = (parts.get("mix") ?? "").split(",").map(Number);
  sliders.forEach(({ input, show }, k) => { input.value = weights[k] || 0; show(); });
  at("text").value = parts.get("text") ?? "";
  setLeast(parts.get("least") ?? "0");
  return list(false);
}

function setLeast(value) {
  at("least").value = value;
  if (at("least").selectedIndex < 0) at("least").value = "0";
}

// A new mix ends a list of tracks that are alike; the filters hold for both.
function changed(ofMix) {
  if (ofMix) like = null;
  at("back").href = addressOf(searchOf());
  history.replaceState(null, "", addressOf(searchOf(), like));
  clearTimeout(timer);
  timer = setTimeout(() => list(false), about.tracks ? WAIT_MS.embedded : WAIT_MS.served);
}

async function list(moveFocus) {
  const mine = ++turn, search = searchOf();
  try {
    const reference = like && (await library.track(like.id));
    if (like && !reference) throw new Error("This track is not here.");
    const answer = like ? await library.similar(like, search) : await library.find(search, 0, PORTION);
    if (mine !== turn) return;
    if (reference && like.from !== null) Object.assign(reference, { start_s: like.from, end_s: like.to });
    const mixed = !like && search.weights.some((weight) => weight);
    const part = like && like.from !== null ? `, ${spanOf(like.from, like.to)}` : "";
    at("heading").textContent = like ? `Like ${reference.name}${part}` : mixed ? "Best fits" : "All tracks";
    at("back").hidden = at("reference").hidden = !like;
    at("reference").replaceChildren();
    at("tracks").replaceChildren();
    drawnRows = [];
    total = answer.total;
    if (reference) draw("reference", [reference]);
    draw("tracks", answer.rows);
    const many = `${total.toLocaleString("en")} ${total === 1 ? "track" : "tracks"}`;
    const order = like ? " that are most alike, of other albums" : mixed ? ", best first" : "";
    at("asked").textContent = askedFor(search);
    const filtered = search.text || search.least_s;
    const empty = "No tracks yet. Scan a folder of music: filmscore scan FOLDER. Then open this page again.";
    const none = filtered ? "No track fits." : like ? "No track of another album is here." : empty;
    say(total ? many + order : none);
    if (moveFocus) {
      at("results").scrollIntoView();
      at("heading").focus();
    }
  } catch (error) {
    if (mine === turn && error.name !== "AbortError") say(error.message);
  }
}

// The search in words, for the printed page, which has neither sliders nor fields.
function askedFor(search) {
  const signed = (weight) => `${weight > 0 ? "+" : "−"}${Math.abs(weight).toFixed(1)}`;
  const words = search.weights.map((weight, k) => (weight && !like ? `${about.genres[k]} ${signed(weight)}` : ""));
  if (search.text) words.push(`words: ${search.text}`);
  if (search.least_s) words.push(`at least ${clock(search.least_s)}`);
  return words.filter(Boolean).join(", ");
}

async function more(moveFocus) {
  if (at("more").hidden || at("more").disabled) return;
  at("more").disabled = true;
  const mine = turn, before = at("tracks").childElementCount;
  try {
    const answer = await library.find(searchOf(), before, PORTION);
    if (mine !== turn) return;
    draw("tracks", answer.rows);
    if (moveFocus) at("tracks").children[before]?.querySelector("button").focus();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
  } finally {
    at("more").disabled = false;
  }
}

function draw(where, tracks) {
  const search = searchOf(), weights = like ? search.weights.map(() => 0) : search.weights;
  const actions = { play, toggle, scoreName: like ? "alike" : "match" };
  const rows = tracks.map((track) => rowOf(track, about, weights, actions));
  drawnRows.push(...rows);
  at(where).append(...rows);
  at("more").hidden = Boolean(like) || at("tracks").childElementCount >= total;
  showPlaying();
}

// A screen reader is told once a slider rests, not at every step of it.
function say(words) {
  clearTimeout(saying);
  saying = setTimeout(() => { at("status").textContent = words; }, at("status").textContent ? 250 : 0);
}

// --- Listening: one player, so that a search may go on while it plays ---

function play(track, start_s, end_s) {
  playing = track;
  const part = end_s === null ? start_s.toFixed(1) : `${start_s.toFixed(1)},${end_s.toFixed(1)}`;
  at("audio").src = `${track.uri}#t=${part}`;
  const where = `, from ${clock(start_s)}` + (end_s === null ? "" : ` to ${clock(end_s)}`);
  at("playing").replaceChildren(element("bdi", {}, track.name), where);
  at("player").hidden = false;
  at("audio").play().catch(() => {}); // what is wrong comes as an event
}

function toggle(track) {
  const same = playing && playing.id === track.id;
  if (same && !at("audio").paused) at("audio").pause();
  else if (same && at("audio").currentTime > 0 && !at("audio").ended) at("audio").play().catch(() => {});
  else play(track, track.start_s, track.end_s);
}

function showPlaying() {
  const on = playing && !at("audio").paused;
  for (const row of drawnRows) {
    const begun = playing && row.track.id === playing.id && !at("audio").ended, own = Boolean(on) && begun;
    const time_s = begun ? at("audio").currentTime : 0;
    if (begun || row.shownAsPlaying !== false) row.show(own, Math.min(time_s / row.track.duration_s, 1), time_s);
    row.shownAsPlaying = begun;
  }
}

for (const event of ["play", "pause", "timeupdate", "ended", "seeked"]) {
  at("audio").addEventListener(event, showPlaying);
}
at("audio").addEventListener("error", () => {
  const why = "the file is not where it was, or this browser does not know its format";
  const words = `${playing.name} can't be played here: ${why}.`;
  at("playing").textContent = words;
  say(words);
});

at("search").addEventListener("submit", (event) => event.preventDefault());
at("search").addEventListener("reset", (event) => {
  event.preventDefault();
  sliders.forEach(({ input, show }) => { input.value = 0; show(); });
  changed(true);
});
at("text").addEventListener("input", () => changed(false));
at("least").addEventListener("input", () => changed(false));
at("skip").addEventListener("click", (event) => { event.preventDefault(); at("heading").focus(); });
at("more").addEventListener("click", () => more(true));
const atEnd = (entries) => { if (entries.some((entry) => entry.isIntersecting)) more(false); };
new IntersectionObserver(atEnd, { rootMargin: "600px" }).observe(at("more"));
addEventListener("hashchange", follow);

at("about").textContent = about.words;
if (!location.hash && about.weights) {
  history.replaceState(null, "", addressOf({ weights: about.weights, text: "", least_s: 0 }));
}
sliders.forEach(({ show }) => show());
follow();
