// Written for rwlock-plus: GetStream with a failsafe, from its documentation.
// It needs only `npm install rwlock-plus@npm:latchkey`.
//
// A stream keeps a read lock until it ends. A stream that never ends would keep it for ever, so the lock has
// a failsafe: whoever holds it for longer loses it, if, and only if, someone else wants it.

var EventEmitter = require('events');
var Lock = require('rwlock-plus');

var FAILSAFE = 300; // ms. The documentation has 10000; shortened, so that you need not wait.
var lock = new Lock(FAILSAFE);

// A stream that ends after so many milliseconds, or never. Aborted, it still emits a late 'end': the second
// release that follows from it does nothing.
function openStream(endsAfter) {
  var stream = new EventEmitter();
  stream.abort = function () {
    setImmediate(function () {
      stream.emit('end');
    });
  };
  if (endsAfter) {
    setTimeout(function () {
      stream.emit('end');
    }, endsAfter);
  }
  return stream;
}

function GetStream(name, endsAfter, callback) {
  var stream;

  function released(err) {
    if (err) {
      stream.abort();
      console.log(name + ': ' + err.message);
    } else {
      console.log(name + ' ended');
    }
  }

  lock.readLock('film', released, function (release) {
    stream = openStream(endsAfter);
    stream.on('end', release);
    console.log(name + ' opened' + (endsAfter ? '' : ', and will never end'));
    callback(stream);
  });
}

function edit(name, callback) {
  console.log(name + ' asks');
  lock.writeLock('film', callback, function (release) {
    console.log(name + ' holds the film alone');
    setTimeout(release, 150);
  });
}

// Someone waits: the stream that never ends loses its lock when the failsafe has passed.
function whileSomeoneWaits(callback) {
  GetStream('stream 1', 100, function (stream) {
    stream.on('end', function () {
      edit('edit 3', callback);
    });
  });
  GetStream('stream 2', null, function () {});
}

// Nobody waits: the stream may stay past the failsafe, until someone asks.
function whileNobodyWaits() {
  GetStream('stream 4', null, function () {
    setTimeout(function () {
      console.log('stream 4 still has its lock, past the failsafe: nobody asked');
      edit('edit 5', function () {});
    }, FAILSAFE + 150);
  });
}

whileSomeoneWaits(whileNobodyWaits);
