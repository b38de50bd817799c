"use strict";
// The question browser. Data is only ever set as text, never as markup.
(() => {
  const { strings, questions, rows, start } = JSON.parse(document.getElementById("data").textContent);
  const PER_PAGE = 20;
  const SHOWN_SHARES = 6;
  const at = (id) => document.getElementById(id);
  const text = (number) => (number < 0 ? null : strings[number]);
  // Rounded, but never to certainty.
  const percent = (value) => {
    const rounded = Math.round(value * 100);
    return (rounded === 100 && value < 1 ? "> 99" : rounded === 0 && value > 0 ? "< 1" : rounded) + " %";
  };

  // The index of each row's prediction for a question.
  const positions = rows.map((row) => new Map(row.q.map((question, i) => [question, i])));

  const initial = { q: "", filter: "all", row: start, from: "", to: "", page: 1 };
  let state = { ...initial };

  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  function outcome(row, i) {
    if (row.y[i] === null) return "none";
    if (row.y[i] >= 0.5) return "right";
    return row.d[i] ? "declined" : "wrong";
  }

  function mark(row, i) {
    const kind = outcome(row, i);
    const node = make("span", `mark ${kind}`, { right: "✓", wrong: "✗", declined: "–", none: "?" }[kind]);
    const words = { right: "correct", wrong: "wrong", declined: "declined", none: "not judged" }[kind];
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", words);
    node.title = words;
    return node;
  }

  function track(share) {
    const bar = make("i", "");
    bar.style.width = `${100 * share}%`;
    return make("span", "track", bar);
  }

  function meter(row, i) {
    const confidence = row.c[i];
    if (confidence === null) return make("span", "meter", make("small", "", "no confidence"));
    const node = make("span", `meter ${row.kind}`, track(confidence), make("b", "", percent(confidence)));
    node.title = `stated confidence ${percent(confidence)}`;
    return node;
  }

  function shares(flat) {
    if (!flat.length) return null;
    const list = make("ul", "shares");
    for (let i = 0; i < Math.min(flat.length, 2 * SHOWN_SHARES); i += 2) {
      const name = make("span", "", text(flat[i]));
      name.title = text(flat[i]);
      list.append(make("li", "", name, track(flat[i + 1]), make("span", "", percent(flat[i + 1]))));
    }
    const left = flat.length / 2 - SHOWN_SHARES;
    if (left > 0) list.append(make("li", "", make("small", "", `and ${left} more`)));
    return list;
  }

  function reply(row, i) {
    const answer = text(row.a[i]);
    const node = make("div", `reply ${row.kind}`, make("h4", "", row.ideal ? "ideal observer" : row.name));
    node.append(make("div", "reply-answer", mark(row, i), answer === null ? make("small", "", row.d[i] ? "declined to answer" : "no parseable answer") : answer));
    node.append(meter(row, i));
    const rationale = text(row.r[i]);
    if (rationale !== null) node.append(make("p", "", rationale));
    const raw = text(row.t[i]);
    if (raw !== null && raw !== "" && raw !== answer) node.append(make("p", "raw", raw));
    const bars = shares(row.s[i]);
    if (bars) node.append(bars);
    return node;
  }

  function detail(question) {
    const [id, , answers, clusters] = questions[question];
    const group = String(rows[state.row].group);
    const replies = make("div", "answers");
    rows.forEach((row, r) => {
      const i = positions[r].get(question);
      if (i !== undefined && String(row.group) === group) replies.append(reply(row, i));
    });
    if (clusters.length) {
      replies.append(make("div", "reply", make("h4", "", "sampled answers by share"), shares(clusters)));
    }
    const accepted = make("p", "meta", "Accepted answers: ", make("b", "", answers.map(text).join(" · ") || "none"));
    accepted.append(`; question ${text(id)}`);
    return make("div", "detail", accepted, replies);
  }

  function item(row, i) {
    const answer = text(row.a[i]);
    const summary = make(
      "summary", "", mark(row, i), make("span", "prompt", text(questions[row.q[i]][1])),
      make("span", "answer", answer === null ? (row.d[i] ? "declined" : "–") : answer), meter(row, i));
    const details = make("details", "", summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(detail(row.q[i]));
    });
    return make("li", "", details);
  }

  function matching(row) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const from = state.from === "" ? null : Number(state.from) / 100;
    const to = state.to === "" ? null : Number(state.to) / 100;
    const matches = [];
    for (let i = 0; i < row.q.length; i++) {
      const unread = (row.c[i] === null || row.a[i] < 0) && !row.d[i];
      const shown = { all: true, unread, declined: row.d[i] }[state.filter] ?? outcome(row, i) === state.filter;
      if (!shown) continue;
      if (from !== null && !(row.c[i] !== null && row.c[i] >= from - 1e-9)) continue;
      if (to !== null && !(row.c[i] !== null && row.c[i] <= to + 1e-9)) continue;
      if (words.length) {
        const [id, prompt, answers] = questions[row.q[i]];
        const all = [id, prompt, row.a[i], ...answers].map((n) => text(n) || "").join("\n").toLowerCase();
        if (!words.every((word) => all.includes(word))) continue;
      }
      matches.push(i);
    }
    return matches;
  }

  function render() {
    const row = rows[state.row];
    const matches = matching(row);
    const pages = Math.max(1, Math.ceil(matches.length / PER_PAGE));
    state.page = Math.min(Math.max(1, state.page), pages);
    const first = (state.page - 1) * PER_PAGE;
    at("list").replaceChildren(...matches.slice(first, first + PER_PAGE).map((i) => item(row, i)));
    at("count").textContent = `${matches.length} of ${row.q.length} questions`;
    at("page").textContent = `page ${state.page} of ${pages}`;
    at("previous").disabled = state.page === 1;
    at("next").disabled = state.page === pages;
    at("pager").hidden = pages === 1;
  }

  function write() {
    at("q").value = state.q;
    at("row").value = String(state.row);
    at("from").value = state.from;
    at("to").value = state.to;
    at(`filter-${state.filter}`).checked = true;
  }

  // The state is in the address, so that views can be linked to: #q=lantern&filter=wrong
  function read() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !location.hash.includes("=")) return false;
    const number = (value, low, high, otherwise) => {
      const parsed = Number(value);
      return value !== null && value !== "" && parsed >= low && parsed <= high ? parsed : otherwise;
    };
    state = { ...initial, q: parameters.get("q") || "" };
    if (at(`filter-${parameters.get("filter")}`)) state.filter = parameters.get("filter");
    state.row = Math.floor(number(parameters.get("row"), 0, rows.length - 1, start));
    state.from = String(number(parameters.get("from"), 0, 100, ""));
    state.to = String(number(parameters.get("to"), 0, 100, ""));
    state.page = Math.floor(number(parameters.get("page"), 1, Infinity, 1));
    return location.hash.length > 1;
  }

  function change(what) {
    state = { ...state, page: 1, ...what };
    const hash = new URLSearchParams();
    for (const [key, value] of Object.entries(state)) {
      if (value !== initial[key]) hash.set(key, value);
    }
    render();
    history.replaceState(null, "", hash.size ? `#${hash}` : location.pathname + location.search);
  }

  if (!rows.length) {
    at("questions").hidden = true;
    return;
  }
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("q").addEventListener("input", (event) => change({ q: event.target.value }));
  at("row").addEventListener("change", (event) => change({ row: Number(event.target.value) }));
  at("from").addEventListener("input", (event) => change({ from: event.target.value }));
  at("to").addEventListener("input", (event) => change({ to: event.target.value }));
  for (const choice of document.getElementsByName("filter")) {
    choice.addEventListener("change", () => change({ filter: choice.value }));
  }
  const turn = (step) => {
    change({ page: state.page + step });
    at("count").scrollIntoView({ block: "nearest" });
  };
  at("previous").addEventListener("click", () => turn(-1));
  at("next").addEventListener("click", () => turn(1));
  const follow = () => {
    const linked = read();
    write();
    render();
    if (linked) at("questions").scrollIntoView({ behavior: "instant" });
  };
  window.addEventListener("hashchange", () => {
    if (location.hash.includes("=")) follow();
  });
  follow();
})();
