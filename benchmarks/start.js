'use strict';
// The scenarios of starting: what `require('latchkey')` costs beside an addon with nothing in it, each in fresh
// processes that take turns. What is loaded is a release, laid out as npm installs it: its JavaScript is bundled, and that
// of a clone is not.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { stage } = require('../scripts/stage');
const { run } = require('./processes');
const { median } = require('./statistics');

const ROOT = path.join(__dirname, '..');
const SOURCE = path.join(__dirname, 'empty-addon.rs');
const EMPTY = path.join(ROOT, '.cache', 'benchmarks', 'empty.node');
const EMPTY_LABEL = 'an empty addon';

/**
 * @param {string} name
 * @param {number} target nanoseconds more than the empty addon
 * @returns {import('./scenarios').Scenario}
 */
function loadTime(name, target) {
  return { name, run: async ({ starts }) => [await compareLoadTimes(name, target, starts)] };
}

/** @returns {Promise<import('./report').Line>} */
async function compareLoadTimes(name, target, starts) {
  const missing = buildEmptyAddon();
  const ours = [];
  const empty = [];
  await withRelease(async (release) => {
    // The first one of each fills the system's caches.
    for (let i = 0; i <= starts; i++) {
      ours.push((await load(release)).elapsed * 1e6);
      if (missing === null) empty.push((await load(EMPTY)).elapsed * 1e6);
    }
  });
  return {
    name,
    unit: 'ns',
    kind: 'difference',
    ours: toResult('latchkey', ours.slice(1)),
    peer:
      missing === null ? toResult(EMPTY_LABEL, empty.slice(1)) : { ...toResult(EMPTY_LABEL, []), missing },
    target,
    floor: null,
  };
}

/**
 * @param {string} name
 * @returns {import('./scenarios').Scenario}
 */
function threadsStarted(name) {
  return { name, run: async () => [await compareThreads(name)] };
}

/** @returns {Promise<import('./report').Line>} */
async function compareThreads(name) {
  const { threadsBefore, threadsAfter } = await withRelease(load);
  const toCount = (label, count) => ({ ...toResult(label, count === null ? [] : [count]) });
  const peer = toCount('before it', threadsBefore);
  const missing = threadsBefore === null ? 'this system does not count them in /proc' : null;
  return {
    name,
    unit: '',
    kind: 'difference',
    ours: toCount('latchkey', threadsAfter),
    peer: { ...peer, missing },
    target: 0,
    floor: null,
  };
}

/**
 * Calls `use` with the folder of an installed release, which is there until the promise settles.
 *
 * @template T
 * @param {(folder: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function withRelease(use) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-start-'));
  try {
    const { root, platforms } = await stage(path.join(ROOT, 'native'), path.join(work, 'staged'));
    const installed = path.join(work, 'node_modules');
    fs.mkdirSync(path.join(installed, '@latchkey'), { recursive: true });
    for (const { folder, manifest } of platforms) {
      if (folder) fs.renameSync(folder, path.join(installed, manifest.name));
    }
    fs.renameSync(root, path.join(installed, 'latchkey'));
    return await use(path.join(installed, 'latchkey'));
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} file */
async function load(file) {
  const { answer, failure } = await run('start-process.js', file);
  if (failure !== null) throw new Error(failure);
  return answer;
}

/** @returns {import('./report').Result} */
function toResult(label, samples) {
  return { label, value: samples.length === 0 ? null : median(samples), missing: null, failure: null };
}

/** @returns {string | null} why there is none */
function buildEmptyAddon() {
  fs.mkdirSync(path.dirname(EMPTY), { recursive: true });
  const flags = ['--edition=2024', '--crate-type=cdylib', '-Copt-level=3', '-o', EMPTY];
  const { error, status, stderr } = spawnSync('rustc', [...flags, SOURCE], { encoding: 'utf8' });
  if (error !== undefined) return 'rustc was not found';
  if (status !== 0) throw new Error(`rustc could not compile ${SOURCE}:\n${stderr}`);
  return null;
}

module.exports = { load, loadTime, threadsStarted, withRelease };
