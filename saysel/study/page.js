"use strict";
// One rater's page. Texts are only ever set as text, never as markup; nothing is sent.
(() => {
  const { study, rater, scales, items } = JSON.parse(document.getElementById("data").textContent);
  const KEY = `saysel-study:${study}:${rater}`;
  const at = (id) => document.getElementById(id);
  const sections = ["intro", "rate", "end"];

  // ratings: by item, {usefulness, faithfulness, note, seconds}.
  const fresh = () => ({ agreed: "", at: 0, ratings: {} });
  let state = fresh();
  let shownSince = 0;

  function load() {
    try {
      state = { ...state, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      at("warning").hidden = false;
    }
  }

  function save() {
    try {
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      at("warning").hidden = false;
    }
  }

  const current = () => items[state.at];
  const rating = (item) => (state.ratings[item.id] ??= { seconds: 0 });
  const complete = (item) => scales.every((scale) => state.ratings[item.id]?.[scale]);
  const firstOpen = () => items.findIndex((item) => !complete(item));

  function show(section) {
    for (const id of sections) at(id).hidden = id !== section;
    at("withdraw").hidden = section === "intro";
  }

  // The time that the item was visible, added up over all visits.
  function stopClock() {
    if (shownSince) rating(current()).seconds += (performance.now() - shownSince) / 1000;
    shownSince = 0;
  }

  function startClock() {
    shownSince = !at("rate").hidden && document.visibilityState === "visible" ? performance.now() : 0;
  }

  function percent(share) {
    return `${Math.round(share * 100)} %`;
  }

  function sample([text, share]) {
    const line = document.createElement("li");
    const name = document.createElement("span");
    name.dir = "auto";
    name.textContent = text || "(empty)";
    const track = document.createElement("span");
    track.className = "track";
    const bar = document.createElement("i");
    bar.style.width = `${100 * share}%`;
    track.append(bar);
    const number = document.createElement("span");
    number.textContent = percent(share);
    line.append(name, track, number);
    return line;
  }

  function samples(item) {
    const unreadable = 1 - item.samples.reduce((sum, [, share]) => sum + share, 0);
    const rest = unreadable > 0.001 ? [["(no readable answer)", unreadable]] : [];
    return [...item.samples, ...rest].map(sample);
  }

  function open(index) {
    stopClock();
    state.at = index;
    save();
    const item = current();
    show("rate");
    at("title").textContent = `Item ${index + 1} of ${items.length}`;
    for (const part of ["question", "answer", "rationale"]) at(part).textContent = item[part];
    at("samples").replaceChildren(...samples(item));
    at("note").value = rating(item).note ?? "";
    for (const input of document.querySelectorAll(".rating input")) {
      input.checked = String(rating(item)[input.name] ?? "") === input.value;
    }
    at("previous").disabled = index === 0;
    update();
    window.scrollTo(0, 0);
    at("title").focus();
    startClock();
  }

  // The scale that a digit rates: the first unrated one, then the focused one, then the last one.
  function active() {
    const unrated = scales.find((scale) => !rating(current())[scale]);
    const focused = document.activeElement?.closest(".rating")?.id;
    return unrated ?? focused ?? scales.at(-1);
  }

  function update() {
    const done = items.filter(complete).length;
    at("second").hidden = !rating(current())[scales[0]];
    at("done").textContent = `${done} of ${items.length} rated`;
    at("bar").value = done;
    at("open").disabled = firstOpen() < 0;
    at("next").textContent = state.at + 1 < items.length ? "Next" : "Finish";
    for (const scale of scales) at(scale).classList.toggle("active", active() === scale);
  }

  function rate(scale, level) {
    rating(current())[scale] = level;
    document.querySelector(`.rating input[name="${scale}"][value="${level}"]`).checked = true;
    save();
    update();
  }

  function next() {
    if (state.at + 1 < items.length) open(state.at + 1);
    else if (firstOpen() < 0) finish();
    else open(firstOpen());
  }

  function finish() {
    stopClock();
    save();
    show("end");
    at("end-title").focus();
  }

  // As saysel writes text into CSV files: a spreadsheet must not run it as a formula.
  function cell(value) {
    const text = String(value ?? "");
    const safe = /^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function csv() {
    const header = ["study", "rater", "item", ...scales, "seconds", "note"];
    const rows = items
      .filter(({ id }) => scales.some((scale) => state.ratings[id]?.[scale]))
      .map(({ id }) => {
        const given = state.ratings[id];
        const rated = scales.map((scale) => given[scale]);
        return [study, rater, id, ...rated, given.seconds.toFixed(1), given.note];
      });
    return [header, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
  }

  function download() {
    if (!at("rate").hidden) {
      stopClock();
      startClock();
    }
    save();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = `ratings-${study}-${rater}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function withdraw() {
    shownSince = 0;
    state = fresh();
    save();
    location.reload();
  }

  function pressed(event) {
    const { key, target } = event;
    if (at("rate").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("textarea, button, summary") && !/^[1-5]$/.test(key)) return;
    if (target.matches("textarea")) return;
    if (/^[1-5]$/.test(key)) {
      const scale = active();
      rate(scale, Number(key));
      if (scale === scales[0]) at("samples-title").focus();
    } else if (key === "Enter") next();
    else if (key.toLowerCase() === "p" && state.at > 0) open(state.at - 1);
    else return;
    event.preventDefault();
  }

  function start() {
    if (!state.agreed) state.agreed = new Date().toISOString();
    if (firstOpen() < 0) finish();
    else open(firstOpen());
  }

  load();
  at("agree").addEventListener("change", ({ target }) => (at("start").disabled = !target.checked));
  at("start").addEventListener("click", start);
  at("previous").addEventListener("click", () => open(state.at - 1));
  at("next").addEventListener("click", next);
  at("open").addEventListener("click", () => open(firstOpen()));
  at("back").addEventListener("click", () => open(state.at));
  at("delete").addEventListener("click", withdraw);
  for (const button of document.querySelectorAll(".download")) button.addEventListener("click", download);
  for (const input of document.querySelectorAll(".rating input")) {
    input.addEventListener("change", () => rate(input.name, Number(input.value)));
  }
  at("note").addEventListener("input", ({ target }) => {
    rating(current()).note = target.value;
    save();
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("focusin", () => at("rate").hidden || update());
  document.addEventListener("visibilitychange", () => {
    stopClock();
    save();
    startClock();
  });
  if (state.agreed) start();
  else show("intro");
})();
