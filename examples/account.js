// An account in a file: what was paid in, one by one, and the total. It remembers the highest fence that has written, and
// refuses older ones: whoever comes with an older fence has lost the lock, and may not know it yet.

const fs = require('node:fs');

/** A new, empty account. */
function open(file) {
  save(file, { fence: 0, payments: [], total: 0 });
}

function read(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/** Changes some of the account. A database does this in one statement: UPDATE … SET fence = ? … WHERE fence <= ? */
function write(file, fence, change) {
  const account = read(file);
  if (fence < account.fence) throw new Error(`fence ${fence} is older than ${account.fence}`);
  save(file, { ...account, ...change, fence });
}

// By way of a second file, so that nobody finds half of one.
function save(file, account) {
  fs.writeFileSync(`${file}.new`, JSON.stringify(account));
  fs.renameSync(`${file}.new`, file);
}

const sum = (payments) => payments.reduce((total, { amount }) => total + amount, 0);

module.exports = { open, read, write, sum };
