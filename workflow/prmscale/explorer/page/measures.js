"use strict";
// What is computed of the data: scores of solutions, votes, and how a choice went.

const AGGREGATIONS = {
  last: (scores) => scores.at(-1),
  min: (scores) => Math.min(...scores),
  product: (scores) => scores.reduce((a, b) => a * b, 1),
  mean: (scores) => scores.reduce((a, b) => a + b, 0) / scores.length,
  sum: (scores) => scores.reduce((a, b) => a + b, 0),
};
const HALF = 0.5; // a step with a lower score is called wrong

/** The step scores of a solution by a training of a reward model; null without any. */
function stepScores(set, model, training, solution) {
  const packed = set.scores[model]?.[training - 1];
  if (!packed) return null;
  const bytes = column(packed).subarray(set.start[solution], set.start[solution + 1]);
  return Array.from(bytes, share);
}

/** The score of a solution, aggregated as in the study; NaN without one. */
function solutionScore(data, set, model, training, solution) {
  const scores = stepScores(set, model, training, solution);
  return scores && scores.length ? AGGREGATIONS[data.aggregation](scores) : NaN;
}

/** The step at which a reward model first sees an error; NO_ERROR if at none. */
function predictedError(scores) {
  return scores.findIndex((score) => score < HALF);
}

/** The choices of a strategy with a reward model, or of one that needs none. */
function findChoice(set, strategy, state) {
  return set.choices.find((choice) =>
    choice.strategy === strategy && choice.budget === state.budget && isShown(choice, state));
}

/** Whether a choice was made by the shown training of the shown reward model, or without one. */
function isShown(choice, state) {
  if (choice.reward_model === "" || choice.strategy === "base_likelihood") return true;
  return choice.reward_model === state.prm && choice.replicate === state.seed;
}

/** The places of a problem's solutions. */
function solutionsOf(set, problem) {
  const places = [];
  for (let s = set.first[problem]; s < set.first[problem + 1]; s++) places.push(s);
  return places;
}

/** Answers with their votes among the first samples, most votes first. */
function countVotes(data, set, problem, state) {
  const answers = column(set.solutions.answer), correct = column(set.solutions.correct);
  const groups = new Map();
  for (const s of solutionsOf(set, problem)) {
    if (column(set.solutions.number)[s] >= state.budget) continue;
    const group = groups.get(answers[s]) ?? { answer: answers[s], votes: 0, correct: false, best: NaN };
    group.votes++;
    group.correct ||= Boolean(correct[s]);
    const score = solutionScore(data, set, state.prm, state.seed, s);
    if (!(group.best >= score)) group.best = score;
    groups.set(answers[s], group);
  }
  return [...groups.values()].sort((a, b) => b.votes - a.votes);
}

/** How a strategy's choice, the majority's vote, best-of-n's choice and the choice by the model beside went, and the lead of the
 * best right solution's score over the best wrong one's. */
function judge(data, set, problem, state, { choice, vote, best, beside }) {
  const right = choice ? share(column(choice.correct)[problem]) : NaN;
  const majority = vote ? share(column(vote.correct)[problem]) : NaN;
  const sampled = best ? share(column(best.correct)[problem]) : NaN;
  const other = beside ? share(column(beside.correct)[problem]) : NaN;
  const answer = choice ? column(choice.answer)[problem] : 0;
  const solution = choice ? findSolution(set, problem, column(choice.chosen)[problem]) : -1;
  const highest = [NaN, NaN]; // of wrong and of right solutions
  for (const s of solutionsOf(set, problem)) {
    const score = solutionScore(data, set, state.prm, state.seed, s);
    const kind = column(set.solutions.correct)[s];
    if (!(highest[kind] >= score)) highest[kind] = score;
  }
  return {
    problem, right, majority, sampled, other, solution,
    misread: right < HALF && set.problems.misread[problem].includes(answer - 1),
    missed: solution >= 0 && missesError(set, solution, state),
    gap: highest[1] - highest[0],
  };
}

/** The place of a problem's sample of this number; -1 if there is none. */
function findSolution(set, problem, number) {
  const numbers = column(set.solutions.number);
  return solutionsOf(set, problem).find((s) => numbers[s] === number) ?? -1;
}

/** Whether the reward model sees no error up to the first one of a solution. */
function missesError(set, solution, state) {
  const error = column(set.solutions.first_error)[solution];
  const scores = stepScores(set, state.prm, state.seed, solution);
  if (error < 0 || !scores) return false;
  const found = predictedError(scores);
  return found === NO_ERROR || found > error;
}

const FILTERS = {
  all: ["all problems", () => true],
  wrong: ["choice is wrong", (j) => j.right < HALF],
  lost: ["choice wrong, majority right", (j) => j.right < HALF && j.majority >= HALF],
  won: ["choice right, majority wrong", (j) => j.right >= HALF && j.majority < HALF],
  ahead: ["choice right, best-of-n's wrong", (j) => j.right >= HALF && j.sampled < HALF],
  behind: ["choice wrong, best-of-n's right", (j) => j.right < HALF && j.sampled >= HALF],
  beats: ["choice right, that of the model beside wrong", (j) => j.right >= HALF && j.other < HALF],
  beaten: ["choice wrong, that of the model beside right", (j) => j.right < HALF && j.other >= HALF],
  missed: ["first error missed in the choice", (j) => j.missed],
  misread: ["fell for a misreading", (j) => j.misread],
};
const SORTS = {
  number: ["number", (a, b) => a.problem - b.problem],
  gap: ["score gap, worst first", (a, b) => order(a.gap) - order(b.gap)],
  difficulty: ["difficulty, hardest first", (a, b) => b.difficulty - a.difficulty],
};

function order(gap) {
  return Number.isNaN(gap) ? Infinity : gap;
}

/** The judged problems that pass the filters, sorted. */
function selectProblems(data, set, state) {
  const found = state.q ? matching(data, set, state.q) : null;
  const choices = {
    choice: findChoice(set, state.by, state),
    vote: findChoice(set, "majority", state),
    best: findChoice(set, "best_of_n", state),
    beside: state.beside && findChoice(set, state.by, { ...state, prm: state.beside }),
  };
  const judged = set.problems.ids.map((_, problem) => ({
    ...judge(data, set, problem, state, choices),
    difficulty: set.problems.difficulties[problem],
  }));
  return judged
    .filter((j) => FILTERS[state.filter][1](j))
    .filter((j) => !state.level || j.difficulty === state.level)
    .filter((j) => !found || found.has(j.problem))
    .sort(SORTS[state.sort][1]);
}

/** The problems whose text, or a step of whose solutions, holds the words. */
function matching(data, set, words) {
  const wanted = words.toLowerCase();
  const hits = data.texts.map((text) => text.toLowerCase().includes(wanted));
  const found = new Set();
  set.problems.prompts.forEach((prompt, problem) => { if (hits[prompt]) found.add(problem); });
  const steps = column(set.solutions.steps), owners = column(set.solutions.problem);
  for (let s = 0; s < owners.length; s++) {
    for (let i = set.start[s]; i < set.start[s + 1]; i++) if (hits[steps[i]]) found.add(owners[s]);
  }
  return found;
}
