// A writer waits behind a reader, and a second reader behind the writer. The writer gives up: nothing stands
// between the two readers any more.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'A request that was aborted blocks those behind it',

  async main({ locks, sleep, log }) {
    let release;
    const reader1 = locks.read('page', {}, () => new Promise((resolve) => (release = resolve)));
    await sleep(20);

    const controller = new AbortController();
    const writer = locks.write('page', { signal: controller.signal }, () => log('the writer holds the lock'));
    let granted = false;
    const reader2 = locks.read('page', {}, () => {
      granted = true;
    });

    controller.abort();
    await writer.catch((error) => log(`the writer gave up: ${error.name}`));
    await sleep(1000);
    log(`1 s later, reader 2 ${granted ? 'reads beside reader 1' : 'still waits'}`);
    const { pending } = await locks.query();
    log(`query() says that ${pending.length} wait`);

    release();
    await Promise.all([reader1, reader2]);
  },
});
