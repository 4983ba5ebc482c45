"use strict";
// The state of the page: it stands in the address, so that copying the address gives the same view.

const KEYS = ["set", "problem", "prm", "seed", "beside", "by", "budget", "view", "tree", "filter", "sort", "level", "order", "q"];
let study, state;

const byId = (id) => document.getElementById(id);
const setOf = (name) => study.sets.find((set) => set.name === name) ?? study.sets[0];
const distinct = (values) => [...new Set(values)];
const strategiesOf = (set) => distinct(set.choices.map((choice) => choice.strategy));
const budgetsOf = (set) => distinct(set.choices.map((choice) => choice.budget)).sort((a, b) => a - b);

/** The state as the hash of an address; a problem by the name that its data set gives it. */
function toHash(of) {
  const set = setOf(of.set), parts = new URLSearchParams();
  for (const key of KEYS) {
    const value = key === "problem" ? set.problems.ids[of.problem] : of[key];
    if (value && value !== Infinity) parts.set(key, value);
  }
  return `#${parts}`;
}

/** The state of an address; what it leaves out, or what the study does not have, is chosen. */
function fromHash(hash) {
  const given = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  const set = setOf(given.set), pick = (value, known, other = known[0]) => (known.includes(value) ? value : other);
  const models = Object.keys(set.scores), strategies = strategiesOf(set), budgets = budgetsOf(set);
  const prm = pick(given.prm, models, pick(study.first_model, models)) ?? "";
  return {
    set: set.name,
    problem: Math.max(0, set.problems.ids.indexOf(given.problem)),
    prm,
    seed: Math.min(Math.max(1, Number(given.seed) || 1), (set.scores[prm] ?? []).length || 1),
    beside: pick(given.beside, models, ""),
    by: pick(given.by, strategies, pick("best_of_n", strategies)) ?? "",
    budget: pick(Number(given.budget), budgets, budgets.at(-1)) ?? Infinity,
    view: pick(given.view, ["solutions", "trees"]),
    tree: given.tree ?? "",
    filter: pick(given.filter, Object.keys(FILTERS)),
    sort: pick(given.sort, Object.keys(SORTS)),
    level: pick(Number(given.level), set.problems.difficulties, 0),
    order: pick(given.order, Object.keys(ORDERS)),
    q: given.q ?? "",
  };
}

/** A labelled choice that changes one key of the state. */
function chooser(key, label, options) {
  const select = el("select", { name: key });
  for (const [value, text] of options) {
    const option = el("option", { value }, String(text));
    option.selected = String(value) === String(state[key]);
    select.append(option);
  }
  select.addEventListener("change", () => go({ [key]: select.value }));
  return el("label", {}, label, select);
}

function drawControls(set) {
  const models = Object.keys(set.scores), same = (values) => values.map((value) => [value, value]);
  const budgets = budgetsOf(set), strategies = strategiesOf(set);
  const trainings = (set.scores[state.prm] ?? []).map((_, i) => i + 1);
  byId("controls").replaceChildren(
    chooser("set", "solutions", study.sets.map((each) => [each.name, `${each.dataset} (${each.problems.domain}, ${each.split}) by ${each.policy}`])),
    chooser("prm", "reward model", models.length ? same(models) : [["", "none"]]),
    chooser("seed", "training", trainings.length ? same(trainings) : [[1, "–"]]),
    chooser("beside", "beside it", [["", "none"], ...same(models.filter((name) => name !== state.prm))]),
    chooser("by", "strategy", strategies.length ? same(strategies) : [["", "none"]]),
    chooser("budget", "budget", budgets.length ? same(budgets) : [["", "all"]]),
    chooser("order", "solutions by", Object.entries(ORDERS)));
}

function drawFilters(set) {
  const levels = distinct(set.problems.difficulties).filter(Boolean).sort((a, b) => a - b);
  const search = el("input", { type: "search", name: "q", id: "q", autocomplete: "off" });
  search.value = state.q;
  search.addEventListener("change", () => go({ q: search.value }));
  byId("filters").replaceChildren(
    chooser("filter", "show", Object.entries(FILTERS).map(([key, [text]]) => [key, text])),
    chooser("level", "difficulty", [[0, "all"], ...levels.map((level) => [level, level])]),
    chooser("sort", "sort by", Object.entries(SORTS).map(([key, [text]]) => [key, text])),
    el("label", {}, "text", search));
}

let listed = [];

/** Draw the page; `shown` are the problems that pass the filters. */
function draw(shown = selectProblems(study, setOf(state.set), state)) {
  const set = setOf(state.set);
  drawControls(set);
  drawFilters(set);
  listed = shown;
  const held = set.total ? `the first ${set.problems.ids.length} of ${thousands(set.total)}` : set.problems.ids.length;
  byId("count").textContent = `${listed.length} of ${held} problems`;
  byId("problems").replaceChildren(...drawList(study, set, listed, state));
  document.querySelector("#problems [aria-current]")?.scrollIntoView({ block: "nearest" });
  document.title = `${study.study}: ${set.dataset} ${set.problems.ids[state.problem] ?? ""}`;
  const empty = el("p", {}, "This data set has no problems of this split.");
  byId("detail").replaceChildren(...(set.problems.ids.length ? drawProblem(study, set, state) : [empty]));
}

/** Change some keys of the state; the first problem that is shown is chosen if this one is not. */
function go(changes) {
  const next = fromHash(toHash({ ...state, ...changes }));
  const focus = document.activeElement?.name;
  const shown = selectProblems(study, setOf(next.set), next);
  if (shown.length && !shown.some((j) => j.problem === next.problem)) next.problem = shown[0].problem;
  history.pushState(null, "", toHash(next));
  state = next;
  draw(shown);
  if (focus) document.getElementsByName(focus)[0]?.focus();
}

function move(by) {
  const at = listed.findIndex((j) => j.problem === state.problem);
  const next = listed[Math.min(Math.max(at + by, 0), listed.length - 1)];
  if (next) go({ problem: next.problem });
}

function onKey(event) {
  if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = {
    j: () => move(1),
    k: () => move(-1),
    t: () => go({ view: state.view === "trees" ? "solutions" : "trees" }),
    "/": () => byId("q").focus(),
    "?": () => byId("help").showModal(),
  };
  if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
  }
}

/** Links to a sample of the problem move there, and leave the address as it is. */
function onClick(event) {
  const sample = event.target.closest("[data-sample]");
  if (!sample) return;
  event.preventDefault();
  const found = byId(`sample-${sample.dataset.sample}`);
  found?.scrollIntoView({ block: "center" });
  found?.focus();
}

function changeTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
}

async function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  study = await readData();
  byId("study").textContent = study.study;
  state = fromHash(location.hash);
  window.addEventListener("popstate", () => {
    const wasInList = document.activeElement?.closest("#problems");
    state = fromHash(location.hash);
    draw();
    if (wasInList) document.querySelector("#problems [aria-current]")?.focus();
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  byId("theme").addEventListener("click", changeTheme);
  byId("keys").addEventListener("click", () => byId("help").showModal());
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("detail").focus(); });
  document.querySelectorAll("header form, #list form").forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));
  draw();
}

start().catch((error) => {
  byId("detail").replaceChildren(el("p", { role: "alert" }, `The data of this page cannot be read (${error.message}). It needs a browser of 2023 or later.`));
});
