// The main thread holds the lock. Then three ask, in this order: a reader in a worker, a writer and a reader in
// the main thread. Then the main thread lets go. Reader 3 asked after writer 2, so it has to wait for it.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'A reader overtakes a writer that asked before it',

  async worker({ locks, say, sleep }) {
    setInterval(() => {}, 1000);
    const read = locks.read('page', {}, () => sleep(50));
    say('asked');
    await read;
  },

  async main({ locks, start, sleep, log }) {
    let release;
    const first = locks.write('page', {}, () => new Promise((resolve) => (release = resolve)));
    await start().said('asked');

    const order = [];
    const take = (name) => async () => {
      order.push(name);
      await sleep(50);
    };
    const rest = [locks.write('page', {}, take('writer 2')), locks.read('page', {}, take('reader 3'))];
    release();
    await Promise.all([first, ...rest]);
    log(`asked: writer 2, reader 3; granted: ${order.join(', ')}`);
    process.exit();
  },
});
