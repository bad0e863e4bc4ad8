'use strict';
// The first lock object of a named space looks for other copies of the package in the process. It waits for nobody meanwhile:
// for no worker, which may be busy for long, or wait for what this thread does next.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run } = require('./support/child');

let folder;
before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-first-use-'))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The program: a worker waits, without its event loop, for a file that this thread writes when it has a named space. */
function besideBlockedWorker(folder, options) {
  const fs = require('node:fs');
  const path = require('node:path');
  const { Worker } = require('node:worker_threads');
  const { Locks } = require('latchkey');
  const [begun, go] = ['begun', 'go'].map((file) => path.join(folder, file));
  const waits = `
    const fs = require('node:fs');
    fs.writeFileSync(${JSON.stringify(begun)}, '');
    while (fs.existsSync(${JSON.stringify(begun)}) && !fs.existsSync(${JSON.stringify(go)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  `;
  // In a process of its own: no JavaScript of the worker runs until that has ended.
  const source = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(waits)}])`;
  new Worker(source, { eval: true }).on('exit', () => console.log('the worker has ended'));
  const look = setInterval(() => {
    if (!fs.existsSync(begun)) return;
    clearInterval(look);
    const hold = new Locks(options).tryWrite('key');
    console.log(hold.mode);
    hold.release();
    fs.writeFileSync(go, '');
  }, 1);
}

describe('the first named space', () => {
  it('is opened while a worker waits, in a call that takes as long as it takes, for what comes next', async () => {
    const work = fs.mkdtempSync(path.join(folder, 'work-'));
    const { code, stdout, stderr } = await run(besideBlockedWorker, work, { name: 'space' });
    const expected = { code: 0, stdout: 'write\nthe worker has ended\n', stderr: '' };
    assert.deepEqual({ code, stdout, stderr }, expected);
  });

  it('makes no diagnostic report, which would resolve the names of all remote hosts', async () => {
    const { code, stdout, stderr } = await run(() => {
      let reports = 0;
      const { getReport } = process.report;
      process.report.getReport = (...args) => {
        reports++;
        return getReport(...args);
      };
      const { Locks } = require('latchkey');
      new Locks({ name: 'space' }).tryWrite('key').release();
      console.log(reports);
    });
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '0\n', stderr: '' });
  });
});
