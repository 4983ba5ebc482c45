"use strict";
// What is drawn: elements of the page made from the data and the state.

/** An element with attributes and children; a text child is text, never markup. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const two = (value) => (Number.isNaN(value) || value === null ? "–" : value.toFixed(2));
const thousands = (value) => Math.round(value).toLocaleString("en");

/** A step's score on a colour from wrong (orange) to right (blue); the number stands in it. */
function chip(score, title) {
  const level = Number.isNaN(score) ? "none" : `s${Math.min(4, Math.floor(score * 5))}`;
  return el("span", { class: `chip ${level}`, title }, two(score));
}

function verdict(right) {
  if (Number.isNaN(right)) return "–";
  if (right > 0 && right < 1) return `${Math.round(100 * right)} % right`;
  return right ? el("span", { class: "good" }, "✓ right") : el("span", { class: "bad" }, "✗ wrong");
}

function answerText(data, number) {
  return number ? data.texts[number - 1] : "no answer";
}

/** The list of problems: a link each, with the outcome and the score gap. */
function drawList(data, set, judged, state) {
  return judged.map((j) => {
    const mark = Number.isNaN(j.right) ? "" : j.right >= HALF ? "✓" : "✗";
    const link = el("a", { href: toHash({ ...state, problem: j.problem }) },
      el("span", { class: mark === "✓" ? "good" : "bad" }, mark),
      el("span", {}, set.problems.ids[j.problem]),
      el("span", { class: "soft" }, j.difficulty ? `difficulty ${j.difficulty}` : ""),
      el("span", { class: "gap", title: "best right solution's score less the best wrong one's" },
        Number.isNaN(j.gap) ? "" : (j.gap > 0 ? "+" : "−") + Math.abs(j.gap).toFixed(2)));
    if (j.problem === state.problem) link.setAttribute("aria-current", "true");
    return el("li", {}, link);
  });
}

function drawProblem(data, set, state) {
  const p = state.problem, problems = set.problems;
  const parts = [
    el("h2", {}, `${set.dataset} ${problems.ids[p]}`, el("span", { class: "soft" },
      problems.difficulties[p] ? ` · difficulty ${problems.difficulties[p]}` : "")),
    el("p", { class: "prompt text" }, data.texts[problems.prompts[p]]),
  ];
  const answer = data.texts[problems.answers[p]];
  if (answer) parts.push(el("p", {}, "Right answer: ", el("strong", { class: "text" }, answer)));
  const tabs = el("p", {},
    el("a", { href: toHash({ ...state, view: "solutions" }), "aria-current": state.view === "solutions" && "page" },
      "Solutions"), " · ",
    el("a", { href: toHash({ ...state, view: "trees" }), "aria-current": state.view === "trees" && "page" },
      `Search trees (${treesOf(set, state).length})`));
  parts.push(tabs);
  if (state.view === "trees") parts.push(...drawTrees(data, set, state));
  else parts.push(drawChoices(data, set, state), drawVotes(data, set, state), ...drawSolutions(data, set, state));
  return parts;
}

/** A table with these headings, which scrolls by itself where it is too wide. */
function drawTable(label, heads, rows) {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}

/** What each strategy chose at the shown budget, and what that cost. */
function drawChoices(data, set, state) {
  const shown = set.choices.filter((choice) => choice.budget === state.budget && isShown(choice, state));
  if (!shown.length) return el("p", { class: "soft" }, "No strategy chose among these solutions.");
  const rows = shown.map((choice) => {
    const number = column(choice.chosen)[state.problem];
    const sample = number < 0 ? "–" : el("a", { href: `#sample-${number}`, "data-sample": number }, `sample ${number}`);
    const name = choice.strategy === "base_likelihood" ? `likelihood of ${choice.reward_model}` : choice.strategy;
    return el("tr", { class: choice.strategy === state.by && "current" },
      el("th", { scope: "row" }, el("a", { href: toHash({ ...state, by: choice.strategy }) }, name)),
      el("td", { class: "text" }, answerText(data, column(choice.answer)[state.problem])),
      el("td", {}, verdict(share(column(choice.correct)[state.problem]))),
      el("td", {}, sample),
      el("td", { class: "number" }, thousands(column(choice.policy_tokens)[state.problem])),
      el("td", { class: "number" }, thousands(column(choice.reward_tokens)[state.problem])),
      el("td", { class: "number" }, choice.flops.toExponential(1)));
  });
  const heads = ["strategy", "answer", "", "chose", "policy tokens", "PRM tokens", "FLOPs (mean)"];
  return el("div", {}, el("h3", {}, `Choices with ${state.budget} samples' worth`),
    drawTable("Choices", heads, rows));
}

/** The answers as the majority vote groups them. */
function drawVotes(data, set, state) {
  const groups = countVotes(data, set, state.problem, state);
  const misread = set.problems.misread[state.problem];
  const rows = groups.map((group) => el("tr", {},
    el("td", { class: "text" }, answerText(data, group.answer)),
    el("td", {}, el("span", { class: "bar", style: `width:${group.votes * 80 / groups[0].votes}px` }), ` ${group.votes}`),
    el("td", {}, verdict(Number(group.correct))),
    el("td", { class: "number" }, two(group.best)),
    el("td", {}, misread.includes(group.answer - 1) ? "a misreading" : "")));
  const heads = ["answer", "votes", "", "best PRM score", ""];
  return el("div", {}, el("h3", {}, Number.isFinite(state.budget) ? `Answers of the first ${state.budget} samples` : "Answers"),
    drawTable("Answers", heads, rows));
}

const ORDERS = {
  score: "score, best first",
  number: "number",
  gap: "difference of the two reward models",
};

function drawSolutions(data, set, state) {
  const numbers = column(set.solutions.number);
  const scored = solutionsOf(set, state.problem).map((s) => ({
    s,
    one: solutionScore(data, set, state.prm, state.seed, s),
    other: state.beside ? solutionScore(data, set, state.beside, state.seed, s) : NaN,
  }));
  const descending = (a, b) => (Number.isNaN(b) ? -1 : b) - (Number.isNaN(a) ? -1 : a);
  if (state.order === "score") scored.sort((a, b) => descending(a.one, b.one));
  if (state.order === "gap") scored.sort((a, b) => descending(Math.abs(a.one - a.other), Math.abs(b.one - b.other)));
  const choice = findChoice(set, state.by, state);
  const chosen = choice ? column(choice.chosen)[state.problem] : -1;
  const heading = el("h3", {}, `${scored.length} solutions by ${set.policy}`);
  const names = ["Each step: score by ", el("strong", {}, state.prm || "no reward model")];
  if (state.beside) names.push(", and by ", el("strong", {}, state.beside));
  names.push("; what is known of it; its text. Scores below 0.5 call a step wrong.");
  return [heading, el("p", { class: "soft" }, ...names),
    ...scored.map((each) => drawSolution(data, set, state, each, numbers[each.s] === chosen))];
}

function drawSolution(data, set, state, { s, one, other }, isChosen) {
  const number = column(set.solutions.number)[s];
  const title = el("h4", {}, `Sample ${number} · `, verdict(column(set.solutions.correct)[s]),
    ` · answer ${answerText(data, column(set.solutions.answer)[s])} · score ${two(one)}`,
    state.beside ? ` and ${two(other)}` : "", ` · ${column(set.solutions.tokens)[s]} tokens`,
    column(set.solutions.cut)[s] ? " · cut at the token limit" : "",
    isChosen ? ` · chosen by ${state.by}` : "");
  const kind = [isChosen && "chosen", number >= state.budget && "beyond"].filter(Boolean).join(" ");
  return el("article", { id: `sample-${number}`, class: kind, tabindex: -1 }, title,
    el("ol", { class: "steps" }, ...drawSteps(data, set, state, s)));
}

function drawSteps(data, set, state, s) {
  const steps = column(set.solutions.steps), error = column(set.solutions.first_error)[s];
  const values = set.solutions.values && column(set.solutions.values);
  const one = stepScores(set, state.prm, state.seed, s);
  const other = state.beside ? stepScores(set, state.beside, state.seed, s) : null;
  const drawn = [];
  for (let i = set.start[s]; i < set.start[s + 1]; i++) {
    const n = i - set.start[s];
    drawn.push(el("li", {},
      chip(one ? one[n] : NaN, `score by ${state.prm}`),
      state.beside ? chip(other ? other[n] : NaN, `score by ${state.beside}`) : null,
      values ? el("span", { class: "known", title: "share of right rollouts from here" }, `rollouts ${two(share(values[i]))}`) : null,
      el("span", { class: "known" }, ...describeTruth(error, n)),
      el("span", { class: "text" }, data.texts[steps[i]])));
  }
  return drawn;
}

function describeTruth(error, n) {
  if (error === UNKNOWN) return [el("span", { class: "soft" }, "unknown")];
  if (error === NO_ERROR || n < error) return [el("span", { class: "good" }, "✓ right")];
  return n === error ? [el("span", { class: "bad" }, "✗ first error")] : [el("span", { class: "soft" }, "after it")];
}

/** The saved trees of a problem by the shown reward model, else by any. */
function treesOf(set, state) {
  const here = set.trees.filter((tree) => tree.problem === state.problem);
  const shown = here.filter((tree) => tree.reward_model === state.prm && tree.replicate === state.seed);
  return shown.length ? shown : here;
}

function drawTrees(data, set, state) {
  const trees = treesOf(set, state);
  if (!trees.length) {
    const saved = [...new Set(set.trees.map((tree) => tree.problem))];
    const links = saved.flatMap((p) => [" ", el("a", { href: toHash({ ...state, problem: p }) }, set.problems.ids[p])]);
    return [el("p", {}, saved.length ? "No tree of this problem was saved. There are some of" : "No tree was saved.", ...links)];
  }
  const tree = trees.find((each) => each.strategy === state.tree) ?? trees[0];
  const choices = trees.map((each) => el("a", {
    href: toHash({ ...state, tree: each.strategy }), "aria-current": each === tree && "page",
  }, each.strategy));
  const fold = (open) => () => document.querySelectorAll(".tree details").forEach((node) => { node.open = open; });
  const buttons = [["Unfold all", true], ["Fold all", false]].map(([name, open]) => {
    const button = el("button", { type: "button" }, name);
    button.addEventListener("click", fold(open));
    return button;
  });
  return [
    el("p", {}, ...choices.flatMap((link, i) => (i ? [" · ", link] : [link]))),
    el("p", { class: "soft" }, `${tree.strategy}, guided by ${tree.reward_model} (training ${tree.replicate}), `
      + `${tree.parent.length} nodes. Each: score so far, value, visits, step. The path to the answer is marked with ★.`),
    el("p", {}, ...buttons),
    drawNodes(data, tree),
  ];
}

function drawNodes(data, tree) {
  const children = tree.parent.map(() => []), roots = [];
  tree.parent.forEach((parent, node) => (parent < 0 ? roots : children[parent]).push(node));
  const describe = (node) => [
    chip(tree.score[node] ?? NaN, "score so far"),
    ` ${tree.chosen[node] ? "★ " : ""}value ${two(tree.value[node])} · ${tree.visits[node]} visits · `,
    el("span", { class: "text" }, data.texts[tree.step[node]] || (tree.parent[node] < 0 ? "(the problem)" : "(ends)")),
    tree.whole[node] ? el("span", { class: "soft" }, " · end") : "",
  ];
  const draw = (node) => {
    const path = tree.chosen[node] ? " path" : "";
    if (!children[node].length) return el("li", {}, el("div", { class: `leaf${path}` }, ...describe(node)));
    return el("li", {}, el("details", { open: Boolean(tree.chosen[node]) },
      el("summary", { class: path.trim() || null }, ...describe(node)), el("ul", {}, ...children[node].map(draw))));
  };
  return el("ul", { class: "tree" }, ...roots.map(draw));
}
