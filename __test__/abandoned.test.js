'use strict';
// A program that ends while requests wait that nobody can serve any more says so, in one warning, and leaves its exit code as
// it was.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');

/** Runs a program, and gives its exit code and what it writes. */
function run(source, env = {}) {
  const program = `const { Lock, Locks, lock } = require(${JSON.stringify(ROOT)});\n${source}`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  return { status, stderr };
}

const count = (text, part) => text.split(part).length - 1;

describe('a program that ends', () => {
  it('says which keys are waited for, by how many, and since when', () => {
    const { status, stderr } = run(`
      const locks = new Locks();
      locks.write('a', () => locks.write('a', () => {}));
      const hold = locks.tryWrite('b');
      locks.read('b');
      locks.write('b');
    `);
    assert.equal(status, 0);
    assert.match(
      stderr,
      /\[ERR_LOCK_ABANDONED\] LockAbandonedWarning: The program ends while 3 requests of locks wait that nobody can serve any more: 'a' \(1, the first for \d+ ms\), 'b' \(2, the first for \d+ ms\)/,
    );
    assert.equal(count(stderr, 'LockAbandonedWarning'), 1);
  });

  it('says it of the callback APIs, too', () => {
    const { stderr } = run(`
      lock('a', () => lock('a', () => {}));
      new Lock().readLock('b', null, function (release) { this; });
      const own = new Lock();
      own.writeLock('c', null, () => own.writeLock('c', null, () => {}));
    `);
    assert.match(stderr, /2 requests of locks wait that nobody can serve any more: 'a' \(1\), 'c' \(1\)/);
  });

  it('says where they were asked, if that is remembered', () => {
    const source = `
      function asksTwice() {
        // Kept: one that is collected before the end has nobody left who waits.
        const locks = (globalThis.kept = new Locks(OPTIONS));
        locks.write('a', () => locks.write('a', () => {}));
      }
      asksTwice();
      lock('b', () => lock('b', () => {}));
    `;
    const traced = run(source.replace('OPTIONS', '{ trace: true }')).stderr;
    assert.match(traced, /'a' was asked for\nat .*\n(at .*\n)*at asksTwice/);
    assert.doesNotMatch(traced, /'b' was asked for/);
    const all = run(source.replace('OPTIONS', ''), { LATCHKEY_TRACE: '1' }).stderr;
    assert.match(all, /'a' was asked for\nat .*\n(at .*\n)*at asksTwice/);
    assert.match(all, /'b' was asked for\nat /);
    assert.doesNotMatch(run(source.replace('OPTIONS', '')).stderr, /was asked for/);
  });

  it('says it in a worker', () => {
    const { stderr } = run(`
      const { Worker } = require('node:worker_threads');
      const worker = "const { Locks } = require(" + ${JSON.stringify(JSON.stringify(ROOT))} + "); const locks = new Locks();" +
        "locks.write('in a worker', () => locks.write('in a worker'));";
      new Worker(worker, { eval: true });
    `);
    assert.match(stderr, /ERR_LOCK_ABANDONED.*'in a worker' \(1/);
  });

  it('keeps its own exit code, and says it before an unsettled await ends it', () => {
    assert.equal(run(`process.exitCode = 7; lock('a', () => lock('a', () => {}));`).status, 7);
    const { status, stderr } = run(`
      const { writeFileSync } = require('node:fs');
      import('data:text/javascript,' + encodeURIComponent(\`
        import latchkey from ${JSON.stringify(`file://${ROOT}/index.js`)};
        const locks = new latchkey.Locks();
        locks.tryWrite('a');
        await locks.write('a', { signal: AbortSignal.timeout(60_000) });
      \`)).catch((error) => console.error(error));
    `);
    assert.match(stderr, /ERR_LOCK_ABANDONED/);
    assert.ok(status === 0 || status === 13, `exit code ${status}`);
  });

  it('says nothing if nobody waits, or somebody is served yet', () => {
    const { status, stderr } = run(`
      const locks = new Locks();
      locks.tryWrite('held');
      const hold = locks.tryWrite('a');
      locks.write('a', () => {});
      setTimeout(() => hold.release(), 10);
      locks.write('b', { expiry: 5 });
      locks.write('b', () => {});
      locks.write('held', { timeout: 5 }).catch(() => {});
      const closed = new Locks();
      closed.tryWrite('a');
      closed.write('a').catch(() => {});
      closed.close();
    `);
    assert.equal(status, 0);
    assert.equal(stderr, '');
  });

  it('says it once, and again of others', () => {
    const { stderr } = run(`
      const locks = new Locks();
      locks.tryWrite('a');
      locks.write('a');
      let times = 0;
      process.on('beforeExit', () => {
        if (++times === 1) setTimeout(() => {}, 1);
        if (times === 2) setTimeout(() => locks.write('a'), 1);
      });
    `);
    assert.equal(count(stderr, 'LockAbandonedWarning'), 2);
    assert.match(stderr, /1 request of locks waits that nobody/);
  });

  it('ends at once, however many wait for one key', () => {
    // A list that was copied for each of them took minutes.
    const { status, stderr } = run(`
      const locks = new Locks({ trace: true });
      locks.tryWrite('a');
      for (let i = 0; i < 60_000; i++) locks.write('a');
    `);
    assert.equal(status, 0);
    assert.match(stderr, /while 60000 requests of locks wait that nobody can serve any more: 'a' \(60000,/);
    assert.equal(count(stderr, 'was asked for'), 10, 'and names some places');
  });
});
