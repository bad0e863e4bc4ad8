'use strict';
// Runs a program of this folder in a process of its own, and says why it did not come to its end.

const { fork } = require('node:child_process');
const path = require('node:path');
const { LIMITS } = require('./settings');

/** Above any scenario that works; below the patience of whoever waits. */
const WHOLE_SCENARIO = 900;

/** @typedef {{ answer: any, failure: string | null }} Outcome the failure is one that benchmarks expect of peers */

/**
 * @param {string} program a file of this folder, or of another checkout by its whole path, which answers one message with another
 * @param {any} task the message
 * @param {{ seconds?: number, options?: string[] }} [how] when it is ended at the latest; options for node
 * @returns {Promise<Outcome>}
 */
async function run(program, task, { seconds = WHOLE_SCENARIO, options = [] } = {}) {
  // alock's emitters warn of every long queue: shown or not, making the warnings is part of its time.
  const execArgv = ['--no-warnings', `--max-old-space-size=${LIMITS.megabytes}`, ...options];
  const stdio = /** @type {any} */ (['ignore', 'ignore', 'pipe', 'ipc']);
  const child = fork(path.resolve(__dirname, program), { execArgv, stdio });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  child.send(task);
  const { answer, errors, end } = await outcomeOf(child);
  clearTimeout(timer);
  if (answer !== null && answer.error === undefined) return { answer, failure: null };
  const reason = late ? `no end within ${seconds} s` : knownReason(answer?.error ?? errors);
  if (reason === null) throw new Error(`${program} ended with ${end}:\n${answer?.error ?? errors}`);
  return { answer: null, failure: reason };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<{ answer: any, errors: string, end: number | string | null }>}
 */
function outcomeOf(child) {
  /** @type {any} */
  let answer = null;
  let errors = '';
  child.once('message', (message) => (answer = message));
  child.stderr?.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-10_000)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ answer, errors, end: code ?? signal }));
  });
}

/** @param {string} errors what it wrote or threw */
function knownReason(errors) {
  if (errors.includes('Maximum call stack size exceeded')) return 'stack overflow';
  if (errors.includes('heap out of memory')) return `out of memory (${LIMITS.megabytes / 1024} GB of heap)`;
  return null;
}

module.exports = { run };
