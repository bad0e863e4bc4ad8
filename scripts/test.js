// `npm test`: sets the clone up, runs the Rust tests, then the JavaScript tests, and counts both.
// With --javascript only the latter, on the addon that is there already: how a release tests its binaries.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { stripVTControlCharacters } = require('node:util');
const { ROOT, run } = require('./command');
const { setup } = require('./setup');

const TEST_FOLDER = '__test__';

async function main(args) {
  const all = !args.includes('--javascript');
  if (all) await setup();
  const results = all ? [await rustTests()] : [];
  results.push(await javascriptTests());

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

async function javascriptTests() {
  heading(`JavaScript tests: node --test ${TEST_FOLDER}/*.test.js`);
  const names = fs.readdirSync(path.join(ROOT, TEST_FOLDER)).filter((name) => name.endsWith('.test.js'));
  const files = names.toSorted().map((name) => path.join(TEST_FOLDER, name));
  const command = [process.execPath, ['--test', '--expose-gc', '--test-reporter=spec', ...files]];
  const { output, ...result } = await timed(`node:test (${process.version})`, command);
  const count = (what) => Number(output.match(new RegExp(`^ℹ ${what} (\\d+)`, 'm'))?.[1] ?? 0);
  // A cancelled test is one that did not come to its end.
  const failed = count('fail') + count('cancelled');
  return { ...result, passed: count('pass'), failed, skipped: count('skipped') + count('todo') };
}

async function timed(name, command) {
  const start = performance.now();
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env;
  const { code, output } = await run(command, { stream: true, env });
  const seconds = (performance.now() - start) / 1000;
  return { name, code, seconds, output: stripVTControlCharacters(output) };
}

function heading(text) {
  console.log(`\n── ${text}\n`);
}

main(process.argv.slice(2));
