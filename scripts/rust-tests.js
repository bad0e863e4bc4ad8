// Compiles the Rust tests and runs them, one file after the other: a line for each, and the whole output of one that fails.
'use strict';

const path = require('node:path');
const { ROOT, run } = require('./command');
const { Tally, addTo } = require('./tally');

/**
 * @param {string[]} crates how cargo names them
 * @returns {Promise<{ name: string, program: string, args: string[], cwd: string }[] | null>} null if they do not compile;
 *   the compiler has said why
 */
async function buildRustTests(crates) {
  const start = Date.now();
  const args = ['test', ...crates, '--no-run', '--message-format=json-render-diagnostics', '--quiet'];
  const { code, stdout, output } = await run(['cargo', args]);
  if (code !== 0) {
    const said = output.split('\n').filter((line) => !line.startsWith('{'));
    process.stderr.write(`The Rust tests do not compile:\n\n${said.join('\n')}\n`);
    return null;
  }
  process.stderr.write(`Rust tests compiled in ${Math.round((Date.now() - start) / 1000)} s\n`);
  const messages = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const built = messages.filter(({ profile, executable }) => profile?.test && executable);
  const files = built.map(({ executable, manifest_path: manifest, target }) => ({
    name: path.relative(ROOT, target.src_path),
    program: executable,
    args: [],
    cwd: path.dirname(manifest),
  }));
  const docs = {
    name: 'examples in the comments',
    program: 'cargo',
    args: ['test', ...crates, '--doc', '--quiet', '--'],
  };
  return [...files.toSorted((a, b) => (a.name < b.name ? -1 : 1)), { ...docs, cwd: ROOT }];
}

/** Runs what `buildRustTests` gave. */
async function runRustTests(tests) {
  const tally = new Tally(tests.length);
  for (const { name, program, args, cwd } of tests) {
    const start = performance.now();
    // A test that cannot run says why on its standard error, which is only shown on request.
    const { code, output } = await run([program, [...args, '--show-output']], { cwd });
    const seconds = (performance.now() - start) / 1000;
    tally.add(name, { ...countsOf(output, code), seconds, text: withoutSuccesses(output) });
  }
  return tally.result();
}

/** Of a file that failed, what its other tests printed is in the way. */
function withoutSuccesses(output) {
  return output.replace(/^successes:\n[\s\S]*?^(?=failures:\n)/m, '').replace(/^test .* \.\.\. ok\n/gm, '');
}

/** What the test harness counted; a test that says "skipped:" has not passed. */
function countsOf(output, code) {
  const counts = { passed: 0, failed: 0, skipped: {} };
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    if (Number(ignored) > 0)
      addTo(counts.skipped, 'measurements, which run on request (#[ignore])', Number(ignored));
  }
  for (const [, reason] of output.matchAll(/^skipped: (.*)$/gm)) {
    counts.passed--;
    addTo(counts.skipped, reason, 1);
  }
  // One that was aborted has counted nothing.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

module.exports = { buildRustTests, runRustTests };
