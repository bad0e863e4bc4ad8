'use strict';
// The process that measures memory: see memory.js. What counts is the resident memory of the whole process,
// V8's and the addon's alike.

const { answer, collect } = require('./task');
const { manyKeys } = require('./work');

/** Requests that have V8 compile the code before it is measured. */
const WARM = 50_000;

/** Keys that are held all at once: bytes for each while they are, and after their release. */
async function holds(lock, count) {
  releaseAll(take(lock, 'warm', WARM));
  const before = await resident();
  const releases = take(lock, 'user', count);
  const during = await resident();
  releaseAll(releases);
  const after = await resident();
  return { during: (during - before) / count, after: (after - before) / count };
}

/** Takes keys, and answers what releases them. */
function take(lock, prefix, count) {
  const releases = Array(count).fill(null);
  for (let i = 0; i < count; i++) lock.write(`${prefix}:${i}`, (release) => (releases[i] = release));
  return releases;
}

/** Empties the list, too: an async function keeps alive whatever it has ever touched, until it ends. */
function releaseAll(releases) {
  for (const release of releases) release();
  releases.length = 0;
}

/** Keys that are held one after the other: bytes for each that stay, once a million others have passed. */
async function passing(lock, count) {
  const pass = () => manyKeys.loop(lock, count, manyKeys.input(lock, { size: count }));
  for (let i = 0; i < 5; i++) pass();
  const before = await resident();
  for (let i = 0; i < 5; i++) pass();
  const after = await resident();
  return { left: (after - before) / (5 * count) };
}

async function resident() {
  for (let i = 0; i < 4; i++) await collect();
  return process.memoryUsage().rss;
}

answer(({ adapter, what, count }) => {
  const lock = require(`./adapters/${adapter}`).open({});
  return what === 'holds' ? holds(lock, count) : passing(lock, count);
});
