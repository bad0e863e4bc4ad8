'use strict';
// Random programs for a lock: requests and releases, some of them inside callbacks of others.

/**
 * @typedef {{ ask: number, mode: 'read' | 'write', key: string, inside: Step[], after: Step[] | null }} Ask
 * @typedef {{ release: number }} Release of the request with that number; nothing happens unless it was granted
 * @typedef {Ask | Release} Step
 */

/**
 * @param {ReturnType<import('./random').randomFrom>} random
 * @param {{ requests: number, keys: number, releases: number, self: number }} size how many of each; the share of
 *   steps that release, and of requests that release themselves when they are granted
 * @returns {Step[]}
 */
function randomProgram(random, { requests, keys, releases, self }) {
  let asked = 0;
  const steps = (length, depth) => {
    const list = [];
    for (let i = 0; i < length; i++) {
      if (asked < requests && !random.chance(releases)) list.push(ask(depth));
      else list.push({ release: random.below(Math.max(asked, 1)) });
    }
    return list;
  };
  const ask = (depth) => {
    const number = asked++;
    const inside = depth < 4 && random.chance(0.4) ? steps(random.below(4), depth + 1) : [];
    const after = random.chance(0.6) ? (depth < 4 ? steps(random.below(3), depth + 1) : []) : null;
    if (random.chance(self)) inside.splice(random.below(inside.length + 1), 0, { release: number });
    if (after !== null && random.chance(0.3)) after.push({ release: random.below(requests) });
    const mode = random.chance(0.5) ? 'read' : 'write';
    return { ask: number, mode, key: `key ${random.below(keys)}`, inside, after };
  };
  const program = [];
  while (asked < requests) program.push(...steps(5, 0));
  return program;
}

/**
 * Runs a program, and in the end releases all that is still held.
 *
 * @param {Step[]} program
 * @param {any} lock
 * @param {((what: string, step: Step) => void) & { lines: string[] }} log keeps what it is called with
 * @param {() => void} [then] what to do between the program and its end
 */
function runProgram(program, lock, log, then = () => {}) {
  const held = new Map();
  const release = (number) => {
    const give = held.get(number);
    if (give === undefined) return false;
    give(number);
    return true;
  };
  const take = (step) => {
    if ('release' in step) {
      if (release(step.release)) log('release returned', step);
      return;
    }
    log('asks', step);
    const obtained = (give) => {
      held.set(step.ask, give);
      log('obtained', step);
      step.inside.forEach(take);
      log('obtained returns', step);
    };
    const released = (number) => {
      if (number !== step.ask) throw new Error(`release callback of ${step.ask} got ${number}`);
      held.delete(number);
      log('released', step);
      step.after.forEach(take);
    };
    lock[`${step.mode}Lock`](step.key, step.after && released, obtained);
    log('ask returned', step);
  };
  program.forEach(take);
  then();
  // Each pass may let others in.
  for (let before = -1; before !== log.lines.length;) {
    before = log.lines.length;
    [...held.keys()].forEach(release);
  }
}

module.exports = { randomProgram, runProgram };
