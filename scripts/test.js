// `npm test`: sets the clone up, runs the Rust tests, then the JavaScript tests, and counts both.
// With --javascript only the latter, on the addon that is there already: how a release tests its binaries.
// With --release only those that could tell a release's bundled JavaScript from the sources, on a release.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { stripVTControlCharacters } = require('node:util');
const { ROOT, run } = require('./command');
const { setup } = require('./setup');
const { stage } = require('./stage');

const TEST_FOLDER = '__test__';
/** About loading, exports, errors and what several threads share; each face and each reach is in one of them. */
const RELEASE_TESTS = [
  ...['async-context', 'diagnostics', 'drop-in-alock', 'drop-in-rwlock-plus', 'dual-export', 'errors', 'esm'],
  ...['expiry', 'hold', 'loaded-twice', 'missing-binary', 'multi-key', 'named-death', 'named-loaded-twice'],
  ...['named-spaces', 'process-life', 'promise-calls', 'promise-expiry', 'promise-signal', 'store-callbacks'],
  ...['subclassing', 'two-copies', 'workers'],
].map((name) => `${name}.test.js`);
/** What they need beside a release. */
const RELEASE_NEEDS = ['native', TEST_FOLDER, 'scripts', 'crates/redis/src/scripts'];

async function main(args) {
  const release = args.includes('--release');
  const all = !release && !args.includes('--javascript');
  if (all) await setup();
  const results = all ? [await rustTests()] : [];
  results.push(release ? await releaseTests() : await javascriptTests(ROOT, allTests()));

  console.log('\nSummary');
  for (const { name, code, passed, failed, skipped, seconds } of results) {
    const counts = [`${passed} passed`, `${failed} failed`];
    if (skipped > 0) counts.push(`${skipped} skipped`);
    const problem = code === 0 ? '' : ` (exit code ${code})`;
    console.log(`  ${name.padEnd(21)} ${counts.join(', ')} in ${seconds.toFixed(1)} s${problem}`);
  }
  // A suite that ran nothing is not green.
  const green = results.every(({ code, passed }) => code === 0 && passed > 0);
  process.exitCode = green ? 0 : 1;
}

async function rustTests() {
  heading('Rust tests: cargo test --workspace');
  const color = ['--color', process.stdout.isTTY ? 'always' : 'never'];
  const command = ['cargo', ['test', '--workspace', '--no-fail-fast', ...color, '--', ...color]];
  const { output, ...result } = await timed('Rust', command);
  const sums = { passed: 0, failed: 0, skipped: 0 };
  for (const line of output.matchAll(/^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    sums.passed += Number(line[1]);
    sums.failed += Number(line[2]);
    sums.skipped += Number(line[3]);
  }
  return { ...result, ...sums };
}

/** Lays out a release in an empty folder, and runs its tests there. */
async function releaseTests() {
  const work = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'latchkey-test-'));
  try {
    const { root } = await stage(path.join(ROOT, 'native'), work);
    for (const each of RELEASE_NEEDS) {
      fs.cpSync(path.join(ROOT, each), path.join(root, each), { recursive: true });
    }
    return await javascriptTests(root, RELEASE_TESTS);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

async function javascriptTests(root, names) {
  heading(`JavaScript tests: node --test ${TEST_FOLDER}/*.test.js`);
  const files = names.map((name) => path.join(TEST_FOLDER, name));
  const command = [process.execPath, ['--test', '--expose-gc', '--test-reporter=spec', ...files]];
  const { output, ...result } = await timed(`node:test (${process.version})`, command, root);
  const count = (what) => Number(output.match(new RegExp(`^ℹ ${what} (\\d+)`, 'm'))?.[1] ?? 0);
  // A cancelled test is one that did not come to its end.
  const failed = count('fail') + count('cancelled');
  return { ...result, passed: count('pass'), failed, skipped: count('skipped') + count('todo') };
}

function allTests() {
  const names = fs.readdirSync(path.join(ROOT, TEST_FOLDER)).filter((name) => name.endsWith('.test.js'));
  return names.toSorted();
}

async function timed(name, command, cwd = ROOT) {
  const start = performance.now();
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env;
  const { code, output } = await run(command, { stream: true, env, cwd });
  const seconds = (performance.now() - start) / 1000;
  return { name, code, seconds, output: stripVTControlCharacters(output) };
}

function heading(text) {
  console.log(`\n── ${text}\n`);
}

main(process.argv.slice(2));
