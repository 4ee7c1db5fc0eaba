// A track of the list: its name, the curves of some genres over time, and what can be done with it.
// Names are only ever put into text and attributes, never into markup.

const SVG = "http://www.w3.org/2000/svg";
const TOP = 3; // genres that are shown of a track when none is asked for
const MOST = 4; // of those that are asked for

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function clock(seconds) {
  const whole = Math.floor(seconds), minutes = Math.floor(whole / 60) % 60, rest = String(whole % 60).padStart(2, "0");
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const spanOf = (start_s, end_s) => `${clock(start_s)}–${clock(end_s)}`;

// The windows in a row in which a track has most of a genre.
function stretches(track, curve, window_s) {
  const found = [];
  track.starts_s.forEach((start_s, window) => {
    if (curve[window] < 128) return;
    const end_s = Math.min(start_s + window_s, track.duration_s), last = found.at(-1);
    if (last && start_s - last.end_s < window_s / 2) last.end_s = end_s;
    else found.push({ start_s, end_s });
  });
  return found;
}

function area(track, curve, window_s, carried) {
  let path = "";
  track.starts_s.forEach((start_s, window) => {
    if (carried && curve[window] < 128) return;
    const next = track.starts_s[window + 1] ?? Infinity;
    const end_s = Math.min(start_s + window_s, next, track.duration_s), percent = Math.max(curve[window] & 127, 2);
    path += `M${start_s.toFixed(2)} 100V${100 - percent}H${end_s.toFixed(2)}V100Z`;
  });
  return path;
}

function curveOf(track, genre, curve, percent, weight, window_s, actions, withTimes) {
  const found = stretches(track, curve, window_s);
  const times = found.map((each) => spanOf(each.start_s, each.end_s)).join(", ");
  const picture = drawn(
    "svg",
    { viewBox: `0 0 ${track.duration_s} 100`, preserveAspectRatio: "none", role: "img", "aria-label": `${genre} over time, most of it at ${times}` },
    drawn("path", { class: "area", d: area(track, curve, window_s, false) }),
    drawn("path", { class: "carried", d: area(track, curve, window_s, true) }),
    drawn("path", { class: "ground", d: `M0 100H${track.duration_s}` }),
  );
  const made = element(
    "div",
    { className: weight < 0 ? "curve less" : "curve" },
    element("span", {}, element("span", {}, weight < 0 ? `− ${genre}` : genre), element("b", { title: "percent of the library that has less" }, String(percent))),
    picture,
  );
  if (withTimes) {
    const play = found.map((each) =>
      element("button", { type: "button", ariaLabel: `Play ${spanOf(each.start_s, each.end_s)}, where ${genre} is strongest`, onclick: () => actions.play(track, each.start_s, each.end_s) }, spanOf(each.start_s, each.end_s)));
    made.append(element("div", { className: "times" }, ...play));
  }
  return made;
}

// Numbers of the genres of which curves are shown: those that are asked for, or those of which it has most.
function shown(track, weights, all) {
  const byRank = [...track.ranks.keys()].sort((a, b) => track.ranks[b] - track.ranks[a]);
  if (all) return byRank;
  const wanted = [...weights.keys()].filter((k) => weights[k] !== 0).sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  return wanted.length ? wanted.slice(0, MOST) : byRank.slice(0, TOP);
}

function rowOf(track, about, weights, actions) {
  const curves = curvesOf(track, about.genres.length);
  const name = element("bdi", {}, track.name), part = spanOf(track.start_s, track.end_s);
  const words = [track.words && element("bdi", {}, track.words), clock(track.duration_s), `best at ${part}`, track.labels && `labelled ${track.labels.join(", ") || "none"}`].filter(Boolean);
  const score = track.score === null ? "" : element("p", { className: "score" }, element("b", {}, track.score.toFixed(2)), element("span", {}, actions.scoreName));
  const play = element("button", { type: "button", className: "play", onclick: () => actions.toggle(track) }, drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn("path", {})));
  const box = element("div", { className: "curves" });
  const draw = (all) =>
    box.replaceChildren(...shown(track, weights, all).map((k) => curveOf(track, about.genres[k], curves[k], Math.round(100 * track.ranks[k]), all ? 0 : weights[k], about.window_s, actions, all)));
  const open = element("button", { type: "button", ariaExpanded: "false", onclick: () => {
    const all = open.ariaExpanded === "false";
    open.ariaExpanded = String(all);
    draw(all);
  } }, "All genres");
  open.ariaLabel = `All genres of ${track.name}`;
  box.onclick = (event) => {
    const picture = event.target.closest("svg");
    if (!picture) return;
    const place = picture.getBoundingClientRect();
    actions.play(track, ((event.clientX - place.left) / place.width) * track.duration_s, null);
  };
  box.style.setProperty("--begin", track.start_s / track.duration_s);
  box.style.setProperty("--end", track.end_s / track.duration_s);
  draw(false);
  const like = [element("a", { href: `#like=${track.id}`, ariaLabel: `More like ${track.name}` }, "More like this")];
  if (about.parts) like.push(element("a", { href: `#like=${track.id}&from=${track.start_s}&to=${track.end_s}`, ariaLabel: `More like ${part} of ${track.name}` }, `More like ${part}`));
  const row = element(
    "li",
    { className: "track", id: `track-${track.id}` },
    element("div", { className: "head" }, play, element("div", {}, element("h3", {}, name), element("p", { className: "words", title: track.path }, ...words.flatMap((word, k) => (k ? [" · ", word] : [word])))), score),
    box,
    element("p", { className: "actions" }, ...like, open),
  );
  row.track = track;
  row.show = (playing, at) => {
    row.classList.toggle("playing", playing);
    play.ariaLabel = playing ? `Pause ${track.name}` : `Play ${track.name} from ${clock(track.start_s)}`;
    play.querySelector("path").setAttribute("d", playing ? "M3 2h3.5v12H3zM9.5 2H13v12H9.5z" : "M3.5 1.5v13l10.5-6.5z");
    box.style.setProperty("--at", at);
  };
  return row;
}
