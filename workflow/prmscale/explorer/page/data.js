"use strict";
// The study's data: columns are unpacked when they are first read.

const KINDS = { u8: Uint8Array, i16: Int16Array, u32: Uint32Array };
const MISSING = 255, SHARE = 250;
const NO_ERROR = -1, UNKNOWN = -2;

function toBytes(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const unpacked = new WeakMap();

/** A packed column as a typed array. */
function column(packed) {
  if (!unpacked.has(packed)) {
    const [kind, base64] = Object.entries(packed)[0];
    unpacked.set(packed, new KINDS[kind](toBytes(base64).buffer));
  }
  return unpacked.get(packed);
}

/** A share from 0 to 1 of one byte; NaN if it is missing. */
function share(byte) {
  return byte === MISSING ? NaN : byte / SHARE;
}

/** The data in the page, with the places of each problem's solutions and of each solution's steps. */
async function readData() {
  const element = document.getElementById("data");
  const stream = new Blob([toBytes(element.textContent)]).stream();
  const plain = stream.pipeThrough(new DecompressionStream("gzip"));
  const data = JSON.parse(await new Response(plain).text());
  element.textContent = "";
  data.sets.forEach(addPlaces);
  return data;
}

function addPlaces(set) {
  set.name = `${set.policy}/${set.dataset}/${set.split}`;
  const owners = column(set.solutions.problem), counts = column(set.solutions.counts);
  set.first = new Uint32Array(set.problems.ids.length + 1);
  for (const owner of owners) set.first[owner + 1]++;
  for (let p = 0; p < set.problems.ids.length; p++) set.first[p + 1] += set.first[p];
  set.start = new Uint32Array(counts.length + 1);
  for (let s = 0; s < counts.length; s++) set.start[s + 1] = set.start[s] + counts[s];
}
