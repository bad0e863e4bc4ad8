// Written for rwlock-plus: readers share, a writer is alone, and all are served in the order they asked.
// It needs only `npm install rwlock-plus@npm:latchkey`.

var Lock = require('rwlock-plus');

var lock = new Lock();
var value = 'old';

function read(name, takes, callback) {
  lock.readLock('my-resource', callback, function (release) {
    console.log(name + ' begins and sees the ' + value + ' value');
    setTimeout(function () {
      console.log(name + ' ends');
      release(null, value);
    }, takes);
  });
}

function write(name, newValue, takes) {
  lock.writeLock('my-resource', null, function (release) {
    console.log(name + ' begins');
    setTimeout(function () {
      value = newValue;
      console.log(name + ' ends');
      release();
    }, takes);
  });
}

read('read 1', 150);
read('read 2', 300);
write('write 3', 'new', 200);
read('read 4', 150, function (err, result) {
  console.log('the callback of read 4 gets what release was given: ' + err + ', ' + result);
});

// Locks on different keys are independent: this one waits for nobody.
lock.writeLock('another-resource', null, function (release) {
  console.log('a write on another key begins at once');
  setTimeout(release, 100);
});
