// Runs the JavaScript tests, each file in a process of its own: a line for each, and of one that fails all there is to say.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { run } = require('./command');
const { Tally } = require('./tally');

/** A URL, because Node imports it, and an absolute path of Windows is none. */
const REPORTER = pathToFileURL(path.join(__dirname, 'test-reporter.js')).href;
/** Milliseconds after which a file is ended: it hangs. The longest takes less than a minute. */
const LIMIT = 600_000;
/** One processor is left to the programs that tests start; on one or two, one file runs at a time. */
const AT_ONCE = Math.max(1, os.availableParallelism() - 1);

/**
 * @param {string} root the folder whose tests these are: the repository, or a release
 * @param {string[]} files as seen from there
 */
async function runJavascriptTests(root, files) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-results-'));
  const tally = new Tally(files.length);
  const waiting = [...files];
  const runNext = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      tally.add(file, await runFile(root, file, path.join(work, path.basename(file))));
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, runNext));
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return tally.result();
}

async function runFile(root, file, destination) {
  const start = performance.now();
  const reporter = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${destination}`];
  const command = [process.execPath, ['--expose-gc', ...reporter, file]];
  // With this, Node would report to a test runner around us, and not to the reporter.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { code, output } = await run(command, { cwd: root, env, timeout: LIMIT });
  const seconds = (performance.now() - start) / 1000;
  const result = readResult(destination);
  // A file that ended before its tests did has not said so itself.
  const failed = result.failed || (code === 0 ? 0 : 1);
  const text = `${result.failures}\n${output}${result.diagnostics}${code === 0 ? '' : `exit code ${code}`}`;
  return { passed: result.passed, failed, skipped: result.skipped, seconds, text };
}

function readResult(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return {
      passed: 0,
      failed: 1,
      skipped: {},
      failures: '  ✗ ended before its tests did\n',
      diagnostics: '',
    };
  }
}

module.exports = { runJavascriptTests };
