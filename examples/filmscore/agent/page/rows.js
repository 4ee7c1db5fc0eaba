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
  const whole = Math.floor(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
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
  const times = found.map((each) => spanOf(each.start_s, each.end_s));
  const picture = drawn(
    "svg",
    {
      viewBox: `0 0 ${track.duration_s} 100`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${genre} over time, most of it at ${times.join(", ")}`,
    },
    drawn("path", { class: "area", d: area(track, curve, window_s, false) }),
    drawn("path", { class: "carried", d: area(track, curve, window_s, true) }),
    drawn("path", { class: "ground", d: `M0 100H${track.duration_s}` }),
  );
  const name = element("span", {}, weight < 0 ? `− ${genre}` : genre);
  const number = element("b", { title: "percent of the library that has less" }, String(percent));
  const made = element(
    "div",
    { className: weight < 0 ? "curve less" : "curve" },
    element("span", {}, name, number),
    picture,
  );
  if (withTimes) {
    const buttons = found.map(({ start_s, end_s }, k) =>
      button(times[k], `Play ${times[k]}, where ${genre} is strongest`, () => actions.play(track, start_s, end_s)));
    made.append(element("div", { className: "times" }, ...buttons));
  }
  return made;
}

function button(words, label, onclick) {
  return element("button", { type: "button", ariaLabel: label, onclick }, words);
}

// Numbers of the genres of which curves are shown: those that are asked for, or those of which it has most.
function shown(track, weights, all) {
  const byRank = [...track.ranks.keys()].sort((a, b) => track.ranks[b] - track.ranks[a]);
  if (all) return byRank;
  const wanted = [...weights.keys()].filter((k) => weights[k] !== 0);
  wanted.sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  return wanted.length ? wanted.slice(0, MOST).sort((a, b) => weights[b] - weights[a]) : byRank.slice(0, TOP);
}

function rowOf(track, about, weights, actions) {
  const part = spanOf(track.start_s, track.end_s);
  const play = button(drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn("path", {})), "", () =>
    actions.toggle(track));
  play.className = "play";
  const { box, open } = curvesBox(track, about, weights, actions);
  const like = [link(`#like=${track.id}`, "More like this", `More like this: ${track.name}`)];
  if (about.parts) {
    const address = `#like=${track.id}&from=${track.start_s}&to=${track.end_s}`;
    like.push(link(address, `More like ${part}`, `More like ${part} of ${track.name}`));
  }
  const row = element(
    "li",
    { className: "track", id: `track-${track.id}` },
    element("div", { className: "head" }, play, title(track, part), ...score(track, actions.scoreName)),
    box,
    element("p", { className: "actions" }, ...like, open),
  );
  row.track = track;
  row.show = (playing, at, time_s) => {
    row.classList.toggle("playing", playing);
    play.ariaLabel = playing ? `Pause ${track.name}` : `Play ${track.name} from ${clock(time_s || track.start_s)}`;
    const shape = playing ? "M3 2h3.5v12H3zM9.5 2H13v12H9.5z" : "M3.5 1.5v13l10.5-6.5z";
    play.querySelector("path").setAttribute("d", shape);
    box.style.setProperty("--at", at);
  };
  return row;
}

function title(track, part) {
  const words = [clock(track.duration_s), `best at ${part}`];
  if (track.labels) words.push(`labelled ${track.labels.join(", ") || "none"}`);
  const from = track.words ? [element("bdi", {}, track.words), " · "] : [];
  return element(
    "div",
    {},
    element("h3", { title: track.name }, element("bdi", {}, track.name)),
    element("p", { className: "words", title: track.path }, ...from, words.join(" · ")),
  );
}

function score(track, name) {
  if (track.score === null) return [];
  return [element("p", { className: "score" }, element("b", {}, track.score.toFixed(2)), element("span", {}, name))];
}

function link(href, words, label) {
  return element("a", { href, ariaLabel: label }, words);
}

// The curves of a track, and the button that shows those of all genres.
function curvesBox(track, about, weights, actions) {
  const curves = curvesOf(track, about.genres.length), box = element("div", { className: "curves" });
  const draw = (all) => {
    const drawnCurves = shown(track, weights, all).map((k) => {
      const percent = Math.round(100 * track.ranks[k]), weight = all ? 0 : weights[k];
      return curveOf(track, about.genres[k], curves[k], percent, weight, about.window_s, actions, all);
    });
    box.replaceChildren(...drawnCurves);
  };
  const open = button("All genres", `All genres of ${track.name}`, () => {
    const all = open.ariaExpanded === "false";
    open.ariaExpanded = String(all);
    open.closest(".track").classList.toggle("open", all); // a long title is shown whole, too
    draw(all);
  });
  open.ariaExpanded = "false";
  box.onclick = (event) => {
    const picture = event.target.closest("svg");
    if (!picture) return;
    const place = picture.getBoundingClientRect();
    actions.play(track, ((event.clientX - place.left) / place.width) * track.duration_s, null);
  };
  box.style.setProperty("--begin", track.start_s / track.duration_s);
  box.style.setProperty("--end", track.end_s / track.duration_s);
  draw(false);
  return { box, open };
}
