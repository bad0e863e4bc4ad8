'use strict';
// The benchmark measures what it says it does.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { EventEmitter } = require('node:events');
const { promisify } = require('node:util');
const { ROOT } = require('./support/child');
const alock = require('../benchmarks/adapters/alock').open();
const { median } = require('../benchmarks/statistics');
const { outcome, verdict, isFarOff } = require('../benchmarks/report');

const FOLDER = path.join(ROOT, 'benchmarks');

describe('the model of alock', () => {
  it('calls at once for a free key, and in order for one in use', () => {
    const calls = [];
    const dones = [];
    for (const name of ['first', 'second', 'third']) {
      alock.write('in order', (done) => {
        calls.push(name);
        dones.push(done);
      });
    }
    assert.deepEqual(calls, ['first']);
    dones[0]();
    assert.deepEqual(calls, ['first', 'second']);
    dones[1]();
    assert.deepEqual(calls, ['first', 'second', 'third']);
    dones[2]();
    alock.write('in order', () => calls.push('fourth'));
    assert.equal(calls.at(-1), 'fourth');
  });

  it("makes every waiter ask again on 'free', which is why long queues cost it so much", (t) => {
    const listens = t.mock.method(EventEmitter.prototype, 'on');
    const dones = [];
    for (let i = 0; i < 5; i++) alock.write('asks again', (done) => dones.push(done));
    const counts = [listens.mock.callCount()];
    for (let i = 0; i < 4; i++) {
      dones[i]();
      counts.push(listens.mock.callCount() - counts.reduce((a, b) => a + b));
    }
    // Four wait; once one of them has the key, three listen to it, and so on.
    assert.deepEqual(counts, [4, 3, 2, 1, 0]);
  });
});

describe('a line of the table', () => {
  const side = (value, failure = null) => ({ label: 'side', value, failure, missing: null });
  const line = (ours, peer, more) => ({
    kind: 'ratio',
    unit: 'ns',
    target: 0.5,
    floor: null,
    ours,
    peer,
    ...more,
  });

  it('compares medians with the target', () => {
    assert.equal(median([9, 1, 2]), 2);
    assert.equal(outcome(line(side(30), side(100))), 0.3);
    assert.equal(verdict(line(side(30), side(100))), 'reached');
    assert.equal(verdict(line(side(55), side(100))), 'missed');
    assert.equal(isFarOff(line(side(55), side(100))), false);
    assert.equal(isFarOff(line(side(58), side(100))), true);
  });

  it('takes a peer that cannot finish for slower, and latchkey that cannot for a miss', () => {
    assert.equal(verdict(line(side(30), side(null, 'stack overflow'))), 'reached');
    assert.equal(isFarOff(line(side(null, 'stack overflow'), side(100))), true);
  });

  it('is not run without its peer', () => {
    assert.equal(verdict(line(side(30), { ...side(null), missing: 'Node has none' })), 'not run');
  });
});

describe('npm run bench', () => {
  const bench = (...args) =>
    promisify(execFile)(process.execPath, [path.join(FOLDER, 'run.js'), ...args], { cwd: ROOT });
  const files = () =>
    fs.readdirSync(FOLDER).map((name) => `${name} ${fs.statSync(path.join(FOLDER, name)).mtimeMs}`);

  it('measures a part, prints it, and leaves the results of whole runs alone', async () => {
    const before = files();
    const { stdout } = await bench('--quick', '--only', '10 queued on one key, alock API');
    assert.match(
      stdout,
      /10 queued on one key, alock API +[\d.]+ [nµ]s +alock \(a model\) +[\d.]+ [nµ]s +[\d.]+ /,
    );
    assert.deepEqual(files(), before);
  });

  it('says what there is if nothing has that name', async () => {
    await assert.rejects(bench('--only', 'nonsense'), ({ code, stderr }) => {
      assert.equal(code, 2);
      assert.match(stderr, /no scenario has 'nonsense' in its name; there are:\n {2}free key, alock API\n/);
      return true;
    });
  });
});
