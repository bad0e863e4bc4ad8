// The function throws, before it has returned a promise.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'The function throws at once',

  async main({ locks, sleep, log }) {
    const failing = locks.write('page', {}, () => {
      throw new Error('not today');
    });
    await failing.catch((error) => log(`the caller gets the error: ${error.message}`));

    let granted = false;
    locks.write('page', {}, () => {
      granted = true;
    });
    await sleep(1000);
    log(`1 s later, the next request ${granted ? 'was granted' : 'still waits'}`);
    process.exit();
  },
});
