'use strict';
// `npm test` counts every test, and says all there is to say of one that failed: it must not call a red file green.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, ROOT } = require('./support/child');

const FILES = {
  'mixed.test.js': `
    const { describe, it } = require('node:test');
    const assert = require('node:assert/strict');
    describe('outer', () => {
      it('passes', () => console.log('said by the one that passes'));
      it('fails', () => assert.equal(1, 2));
      it('cannot run', { skip: 'no server' }, () => {});
    });
    describe('cannot run either', { skip: 'no server' }, () => it('is not listed', () => {}));
  `,
  'green.test.js': `require('node:test').it('passes', () => console.log('not shown'));`,
  'ends.test.js': `require('node:test').it('ends the process', async () => process.exit(0));`,
  'throws.test.js': `throw new Error('before the first test');`,
};

it('counts what passes, fails, is skipped, or ends too early, and shows what failed', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-runner-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(path.join(folder, name), text);

  const { stdout } = await run(
    async (root, folder, names) => {
      const { runJavascriptTests } = require(`${root}/scripts/javascript-tests`);
      console.log(JSON.stringify(await runJavascriptTests(folder, names)));
    },
    ROOT,
    folder,
    Object.keys(FILES),
  );

  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines.at(-1)), {
    passed: 2,
    failed: 3,
    skipped: { 'no server': 1, 'suites; no server': 1 },
  });
  const marks = lines.filter((line) => /^[✓✗] /.test(line)).map((line) => line.replace(/ +[\d.]+ s$/, ''));
  assert.equal(marks.length, 4, stdout);
  assert.deepEqual(
    marks.filter((line) => line.startsWith('✓')).map((line) => line.split(/ +/)[2]),
    ['green.test.js'],
  );
  for (const text of ['outer › fails', '1 !== 2', 'said by the one that passes', 'before the first test']) {
    assert.ok(stdout.includes(text), text);
  }
  assert.ok(!stdout.includes('not shown'));
});
