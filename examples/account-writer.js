// Pays 10 into an account, again and again, in turn with all others who do so, in whatever process or machine:
//
//   node examples/account-writer.js <name> <file> <store> <times> <ms that a payment takes>
//
// Each payment has two halves, as so much has: it is listed, then the total is raised. If a writer dies in between, the
// next one learns it, because its hold says `recovered`.

const { setTimeout: sleep } = require('node:timers/promises');
const { Locks } = require('latchkey');
const account = require('./account');

const [name, file, url, times, pause] = process.argv.slice(2);
const AMOUNT = 10;

// The lease is short, so that nobody waits long for the lock of a process that was killed. 10 s, the default, suits a server
// far away.
const locks = new Locks({ name: 'bank', store: { url, ttl: 1000 } });

const say = ({ fence }, what) => console.log(`${name}  fence ${fence}  ${what}`);

async function pay(hold) {
  if (hold.recovered) repair(hold);
  const { payments, total } = account.read(file);
  account.write(file, hold.fence, { payments: [...payments, { by: name, amount: AMOUNT }] });
  process.send?.('half');
  await sleep(Number(pause));
  account.write(file, hold.fence, { total: total + AMOUNT });
  say(hold, `pays ${AMOUNT}, total ${total + AMOUNT}`);
}

function repair(hold) {
  const { payments, total } = account.read(file);
  const right = account.sum(payments);
  account.write(file, hold.fence, { total: right });
  say(hold, `recovered: whoever wrote before did not end;`);
  console.log(`   total ${total}, but the payments make ${right}: repaired`);
}

async function main() {
  for (let i = 0; i < times; i++) await locks.write('account', pay);
}

main();
