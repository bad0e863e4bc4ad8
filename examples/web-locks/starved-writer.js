// A worker waits to read, and its event loop is busy for a second. Meanwhile the main thread's readers come and
// go, more than one at any time; a writer asked before all of them.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'A writer starves while readers come and go',

  async worker({ locks, say }) {
    setInterval(() => {}, 1000);
    const read = locks.read('page', {}, () => {});
    say('asked');
    // Busy, as a thread that computes is: what it asked for reaches it only afterwards.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    await read;
  },

  async main({ locks, start, sleep, log }) {
    let release;
    const first = locks.write('page', {}, () => new Promise((resolve) => (release = resolve)));
    await start().said('asked');

    let readers = 0;
    let before;
    const writer = locks.write('page', {}, () => {
      before = readers;
    });
    const reading = [];
    const interval = setInterval(() => {
      reading.push(
        locks.read('page', {}, async () => {
          readers++;
          await sleep(50);
        }),
      );
    }, 20);
    release();
    await Promise.all([first, writer]);
    clearInterval(interval);
    await Promise.all(reading);
    log(
      before === 0
        ? 'no reader that asked after the writer was granted before it'
        : `${before} readers that asked after the writer were granted before it`,
    );
    process.exit();
  },
});
