// `npm test`: sets the clone up, compiles the Rust tests, then runs them and the JavaScript tests side by side, and counts both.
//
//     --quick        without the slow files of scripts/test-files.js: for a look at a change
//     --javascript   only the JavaScript tests, on the addon that is there already: how a release tests its binaries
//     --release      only those that could distinguish a release's bundled JavaScript from the sources, on a release
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./command');
const { buildRustTests, runRustTests } = require('./rust-tests');
const { requireTools, setup } = require('./setup');
const { stage } = require('./stage');
const {
  TEST_FOLDER,
  QUICK_CRATES,
  allTests,
  quickTests,
  releaseTests,
  RELEASE_NEEDS,
} = require('./test-files');
const { runJavascriptTests } = require('./javascript-tests');
const { sum } = require('./tally');

const OPTIONS = ['--quick', '--javascript', '--release'];

async function main(args) {
  const unknown = args.filter((each) => !OPTIONS.includes(each));
  if (unknown.length > 0)
    throw new Error(`Unknown option ${unknown.join(' ')}; there are ${OPTIONS.join(', ')}`);
  const start = performance.now();
  const results = await runSuites(args);
  console.log(`\nSummary (${seconds(start)} s in all)`);
  for (const each of results) printResult(each);
  // A suite that ran nothing is not green.
  const green = results.every(({ failed, passed }) => failed === 0 && passed > 0);
  process.exitCode = green ? 0 : 1;
}

async function runSuites(args) {
  if (args.includes('--release')) return [await testRelease()];
  const quick = args.includes('--quick');
  const names = quick ? quickTests() : allTests();
  if (args.includes('--javascript')) return [await javascriptTests(ROOT, names)];
  const tests = await prepare(quick ? QUICK_CRATES : ['--workspace']);
  if (tests === null) throw new Error('Nothing was tested.');
  heading(`2 of 2: ${tests.length + names.length} files of tests, those of Rust beside those of JavaScript`);
  return Promise.all([timed('Rust', () => runRustTests(tests)), javascriptTests(ROOT, names)]);
}

/** Sets the clone up and compiles. The compilers run side by side: the last part of each uses one processor only. */
async function prepare(crates) {
  heading('1 of 2: set-up and compiling (some minutes in a fresh clone)');
  await requireTools();
  const [, tests] = await Promise.all([setup(), buildRustTests(crates)]);
  return tests;
}

/** Lays out a release in an empty folder, and runs its tests there. */
async function testRelease() {
  const work = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'latchkey-test-'));
  try {
    const { root } = await stage(path.join(ROOT, 'native'), work);
    for (const each of RELEASE_NEEDS) {
      fs.cpSync(path.join(ROOT, each), path.join(root, each), { recursive: true });
    }
    return await javascriptTests(root, releaseTests());
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function javascriptTests(root, names) {
  const files = names.map((name) => path.join(TEST_FOLDER, name));
  return timed(`JavaScript, ${process.version}`, () => runJavascriptTests(root, files));
}

async function timed(name, suite) {
  const start = performance.now();
  return { name, ...(await suite()), seconds: seconds(start) };
}

function printResult({ name, passed, failed, skipped, seconds }) {
  const counts = `${passed} passed, ${failed} failed, ${sum(skipped)} skipped`;
  console.log(`  ${name.padEnd(21)} ${counts} in ${seconds} s`);
  for (const [reason, count] of Object.entries(skipped)) console.log(`    ${count} skipped: ${reason}`);
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1);
}

function heading(text) {
  console.log(`\n── ${text}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
