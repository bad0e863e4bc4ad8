'use strict';
// Every thread of a process on one named space: random programs, deaths included, and a checker that proves from the log
// that each promise was kept. `npm run torture` does it 10,000 times.

const { it, describe, after } = require('node:test');
const assert = require('node:assert/strict');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { Locks } = require('latchkey');
const { block } = require('./support/until');
const { Torture } = require('./torture/run');
const { check } = require('./torture/checker');

const SEEDS = 100;

// A request that was lost keeps the process alive for ever. Unreferenced: fires only if something does.
after(() => setTimeout(() => process.exit(1), 5000).unref());

describe('the checker', () => {
  // A history in the log's own words: the two writers of key 0 take turns.
  const writer = { write: 1, expiry: 0, key: 0 };
  const first = { ...writer, thread: 1, request: 1 };
  const second = { ...writer, thread: 2, request: 2 };
  const good = [
    ['asked', first],
    ['returned', first],
    ['asked', second],
    ['returned', second],
    ['granted', first, { fence: 1, recovered: 0 }],
    ['releasing', first],
    ['released', first],
    ['granted', second, { fence: 2, recovered: 0 }],
    ['releasing', second],
    ['released', second],
  ];

  /** A log of these events, a millisecond apart. */
  function log(events) {
    return events.map(([kind, who, more], at) => ({ at, time: at * 1000, kind, ...who, ...more }));
  }

  /** The good history, changed. */
  function complaints(change) {
    const events = good.map(([kind, who, more]) => [kind, { ...who }, { ...more }]);
    return check(log(change(events))).complaints;
  }

  const without = (events, kind, request) => events.filter((e) => e[0] !== kind || e[1].request !== request);
  const of = (events, kind, request) => events.find((e) => e[0] === kind && e[1].request === request);
  /** Ends the first writer's hold otherwise than by a release. */
  const insteadOfRelease = (events, ...others) => {
    const at = events.indexOf(of(events, 'releasing', 1));
    return without(
      without([...events.slice(0, at), ...others, ...events.slice(at)], 'releasing', 1),
      'released',
      1,
    );
  };
  const withExpiry = (events, expiry) => {
    of(events, 'asked', 1)[1].expiry = expiry;
    return events;
  };
  const died = (thread) => ['died', { thread, request: -1 }];
  const dying = (thread) => ['dying', { thread, request: -1 }];

  it('has nothing against a good history, and proves what there is to prove', () => {
    const { complaints, proven } = check(log(good));
    assert.deepEqual(complaints, []);
    assert.deepEqual(proven, { grants: 2, exclusion: 1, order: 1, notified: 0, recovered: 2 });
  });

  it('has nothing against one in which the first writer dies, expires, or becomes a reader', () => {
    const recovers = (events) => {
      of(events, 'granted', 2)[2].recovered = 1;
      return events;
    };
    for (const change of [
      (events) => recovers(insteadOfRelease(events, dying(1), died(1))),
      (events) => recovers(insteadOfRelease(withExpiry(events, 2), ['expired', first])),
      (events) => {
        of(events, 'asked', 2)[1].write = 0;
        const at = events.indexOf(of(events, 'releasing', 1));
        const [granted] = events.splice(events.indexOf(of(events, 'granted', 2)), 1);
        events.splice(at, 0, ['downgrading', first], ['downgraded', first], granted);
        return events;
      },
    ]) {
      assert.deepEqual(complaints(change), []);
    }
  });

  const broken = {
    'two hold one key': (events) => {
      const [granted] = events.splice(events.indexOf(of(events, 'granted', 2)), 1);
      events.splice(events.indexOf(of(events, 'releasing', 1)), 0, granted);
      return events;
    },
    'two hold one key, of whom one has died later': (events) => {
      const rest = insteadOfRelease(events).filter((e) => e[1].request === 1 || e[0] !== 'released');
      return [...rest, ['released', second], dying(1), died(1)];
    },
    'two hold one key, of whom one could not have expired yet': (events) => [
      ...insteadOfRelease(withExpiry(events, 100)),
      ['expired', first],
    ],
    'two hold one key, of whom neither knows its fence': (events) => {
      for (const request of [1, 2]) of(events, 'granted', request)[2].fence = -1;
      return broken['two hold one key'](events);
    },
    'taken away before its expiry': (events) => insteadOfRelease(withExpiry(events, 100), ['expired', first]),
    'expired, without an expiry': (events) => insteadOfRelease(events, ['expired', first]),
    overtaken: (events) => {
      // The second one, which asked later, has the lower fence: it held, and the first one after it.
      const held = ['granted', 'releasing', 'released'];
      const waits = events.filter(([kind]) => !held.includes(kind));
      const [one, two] = [1, 2].map((n) => events.filter((e) => held.includes(e[0]) && e[1].request === n));
      one[0][2].fence = 2;
      two[0][2].fence = 1;
      return [...waits, ...two, ...one];
    },
    'the fence does not grow': (events) => {
      of(events, 'granted', 1)[2].fence = 3;
      const asked = events.splice(events.indexOf(of(events, 'asked', 2)), 2);
      events.splice(events.indexOf(of(events, 'released', 1)) + 1, 0, ...asked);
      return events;
    },
    'one fence, given twice': (events) => {
      of(events, 'granted', 2)[2].fence = 1;
      return events;
    },
    'lost: neither granted nor failed': (events) => events.slice(0, -3),
    'granted and failed too': (events) => [...events, ['failed', second]],
    'granted, and its hold never ended': (events) => events.slice(0, -1),
    'ended more than once': (events) => [...withExpiry(events, 1), ['expired', first]],
    'for the second time': (events) => [...events, ['released', second]],
    'nobody asked for it': (events) => without(events, 'asked', 2),
    'recovered is missing': (events) => insteadOfRelease(events, dying(1), died(1)),
    'recovered is missing, after an expiry': (events) =>
      insteadOfRelease(withExpiry(events, 1), ['expired', first]),
    'recovered, and nobody left it half written': (events) => {
      of(events, 'granted', 2)[2].recovered = 1;
      return events;
    },
    'notified of its expiry after the next was granted': (events) => {
      withExpiry(events, 1);
      const rest = insteadOfRelease(events).map(([kind, who, more]) => [kind, { ...who, thread: 1 }, more]);
      of(rest, 'granted', 2)[2].recovered = 1;
      return [...rest, ['expired', first]];
    },
  };
  it('does not believe an old time of an event that stands after a younger one', () => {
    const reader = { ...second, write: 0, expiry: 2 };
    const unknown = { fence: -1, recovered: -1 };
    const history = log([
      ['asked', first],
      ['returned', first],
      ['asked', reader],
      ['returned', reader],
      ['granted', first, unknown],
      // Its hold had expired, when the first one's was granted; its thread stood still before it could say so.
      ['granted', reader, { ...unknown, time: 3500 }],
      ['expired', reader],
      ['releasing', first],
      ['released', first],
    ]);
    assert.deepEqual(check(history).complaints, []);
  });

  it('lets one be overtaken whose turn may have passed unseen, while its connection was broken; no other one', () => {
    for (const [expiry, expected] of [
      [100, false],
      [0, true],
    ]) {
      const events = good.map(([kind, who, more]) => [kind, { ...who, thread: 1 }, { ...more }]);
      const history = log(broken.overtaken(withExpiry(events, expiry)));
      const found = check(history, true, true).complaints;
      assert.equal(
        found.some((complaint) => complaint.startsWith('overtaken')),
        expected,
      );
    }
  });

  for (const [what, change] of Object.entries(broken)) {
    it(`complains: ${what}`, () => {
      const found = complaints(change);
      // What stands behind the comma only distinguishes two histories for which the words are the same.
      const words = what.startsWith('granted, and') ? what : what.replace(/, (of whom|after an).*/, '');
      assert.ok(
        found.some((complaint) => complaint.includes(words)),
        `complained of ${JSON.stringify(found)}`,
      );
    });
  }
});

describe('three workers and the main thread on one named space', () => {
  it(`keep every promise, ${SEEDS} seeds`, { timeout: 300_000 }, async (t) => {
    const torture = new Torture();
    const proven = {};
    // Other seeds in each run, so that each run may find something new.
    const start =
      process.env.LATCHKEY_SEED === undefined ? Date.now() % 1_000_000 : Number(process.env.LATCHKEY_SEED);
    for (let seed = start; seed < start + SEEDS; seed++) {
      const result = await torture.run(seed);
      assert.deepEqual(result.complaints, [], `seed ${seed}; again: npm run torture -- --seed ${seed}`);
      for (const [what, count] of Object.entries(result.proven)) proven[what] = (proven[what] ?? 0) + count;
    }
    assert.deepEqual(await torture.end(), { spaces: 0 });
    t.diagnostic(`seeds from ${start}; proven: ${JSON.stringify(proven)}`);
    for (const what of ['grants', 'exclusion', 'order', 'recovered']) assert.ok(proven[what] > 0, what);
  });
});

describe('what the checker found stays mended:', () => {
  for (const name of [null, 'mended']) {
    describe(name === null ? 'in a private space' : 'in a named space', () => {
      it('a request that is granted while its own call notifies another one of its expiry learns of that', async () => {
        const locks = new Locks({ name });
        const other = await locks.read('key');
        const overdue = await locks.read('key', { expiry: 5 });
        overdue.signal.addEventListener('abort', () => other.release());
        block(10);
        const hold = await locks.write('key', { timeout: 5000 });
        assert.equal(hold.mode, 'write');
        hold.release();
      });

      it('a request that is let in while close() sends others away is sent away, too', async () => {
        const locks = new Locks({ name });
        const reader = await locks.read('key');
        const waiting = [locks.write('key'), locks.read('key')];
        locks.close();
        for (const request of waiting) await assert.rejects(request, { code: 'ERR_LOCK_CLOSED' });
        reader.release();
      });
    });
  }

  it('a hold of closed locks that has expired can be released while its expiry is about to be delivered', async () => {
    const locks = new Locks({ name: 'mended' });
    const other = new Locks({ name: 'mended' });
    const holds = [await locks.write('a', { expiry: 5 }), await locks.write('b', { expiry: 5 })];
    const errors = [];
    for (const hold of holds) {
      hold.signal.addEventListener('abort', () => {
        try {
          for (const each of holds) each.release();
        } catch (error) {
          errors.push(error);
        }
      });
    }
    locks.close();
    const next = Promise.all([other.write('a'), other.write('b')]);
    // Both expire before this thread is notified of one.
    block(30);
    for (const hold of await next) hold.release();
    assert.deepEqual(errors, []);
  });

  /** A worker holds a key; `release()` has it release while this thread does nothing, and so hears nothing. */
  async function heldElsewhere(key) {
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const program = `
      const { workerData, parentPort } = require('node:worker_threads');
      const { Locks } = require('latchkey');
      const hold = new Locks({ name: 'mended' }).tryWrite(${JSON.stringify(key)});
      parentPort.postMessage('holds');
      Atomics.wait(workerData, 0, 0);
      hold.release();
      Atomics.store(workerData, 1, 1);
      Atomics.notify(workerData, 1);
    `;
    const worker = new Worker(program, { eval: true, workerData: flags });
    await once(worker, 'message');
    return {
      release() {
        Atomics.store(flags, 0, 1);
        Atomics.notify(flags, 0);
        Atomics.wait(flags, 1, 0);
      },
    };
  }

  it('a request that was let in before close() read of it is sent away, or holds its key', async () => {
    const holder = await heldElsewhere('let in');
    const [locks, others] = [new Locks({ name: 'mended' }), new Locks({ name: 'mended' })];
    const waiting = [locks.write('let in'), locks.write('let in')];
    holder.release();
    locks.close();
    const [first, second] = await Promise.allSettled(waiting);
    assert.equal(second.reason?.code, 'ERR_LOCK_CLOSED');
    if (first.status === 'rejected') return assert.equal(first.reason.code, 'ERR_LOCK_CLOSED');
    assert.equal(others.tryRead('let in'), null);
    first.value.release();
  });

  it('a hold that expired before this thread read of its grant is known to be lost', async () => {
    const holder = await heldElsewhere('lost');
    const locks = new Locks({ name: 'mended' });
    const log = [];
    const first = locks
      .write('lost', { expiry: 5 })
      .then(({ signal }) => log.push(['first', signal.aborted]));
    holder.release();
    block(10);
    const second = locks.write('lost', () => log.push(['second']));
    await Promise.all([first, second]);
    assert.deepEqual(log.sort(), [['first', true], ['second']]);
  });

  it('a holder is notified of its expiry before another lock object of its thread is granted the key', async () => {
    const [one, two] = [new Locks({ name: 'mended' }), new Locks({ name: 'mended' })];
    const log = [];
    const hold = await one.write('key', { expiry: 5 });
    hold.signal.addEventListener('abort', () => log.push('notified'));
    block(10);
    await two.write('key', () => log.push('granted'));
    assert.deepEqual(log, ['notified', 'granted']);
  });
});
