'use strict';
// Programs that need a process of their own: because they end, crash or measure it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { PATIENCE } = require('./until');

const ROOT = path.resolve(__dirname, '../..');
/** The file as which a program requires. */
const HERE = path.join(ROOT, '__test__/program.js');

/**
 * Runs a function as a program: its source is all that reaches the child, and `args` as JSON.
 *
 * @param {string | ((...args: any[]) => unknown)} program its `require` is that of a file of __test__
 * @param {any[]} args
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string, ms: number }>}
 */
function run(program, ...args) {
  return runWith([], program, ...args);
}

/**
 * The same, with options for node.
 *
 * @param {string[]} options
 */
function runWith(options, program, ...args) {
  const source = `((require) => {
    (${program})(...${JSON.stringify(args)});
  })(require('node:module').createRequire(${JSON.stringify(HERE)}));`;
  const started = performance.now();
  const child = spawn(process.execPath, [...options, '-e', source], { cwd: ROOT, timeout: 6 * PATIENCE });
  const result = { code: null, signal: null, stdout: '', stderr: '', ms: 0 };
  child.stdout.setEncoding('utf8').on('data', (text) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ ...result, code, signal, ms: performance.now() - started }),
    );
  });
}

/** Runs a program that has to end by itself, and gives what it printed, line by line. */
async function lines(program, ...args) {
  const { code, signal, stdout, stderr } = await run(program, ...args);
  assert.deepEqual({ code, signal, stderr: withoutWarning(stderr) }, { code: 0, signal: null, stderr: '' });
  return stdout.split('\n').slice(0, -1);
}

/** Without the warning that requests wait which nobody can serve any more, of which abandoned.test.js is. */
function withoutWarning(stderr) {
  return stderr.replaceAll(/^\(node:\d+\) \[ERR_LOCK_ABANDONED\] .*\n(\(Use .*\n)?/gm, '');
}

module.exports = { run, runWith, lines, withoutWarning, ROOT };
