-- What every script begins with: the bucket's keys, the time, ticks, the freeze after a restart, sessions and requests.
--
-- A bucket is a set of locks whose keys live in one slot of the server. Its own keys, all of them bookkeeping:
--   KEYS[1] sessions  ZSET    session -> when its lease ends, in ms; 0: it ended itself
--   KEYS[2] clock     STRING  the last tick given out
--   KEYS[3] owners    ZSET    '<id>|<mode>|<expiry ms>|<thread>|<name>', one for each request that waits or holds;
--                             all scores are 0, so that it is a table sorted by id, in which a session's requests
--                             stand together
--   KEYS[4] expired   ZSET    id of a hold that expired -> when, in ms; kept an hour, for a late release to learn of it
--   KEYS[5] epoch     HASH    run: the server's run id; until: when the freeze ends, in ms; grace: the longest lease
--                             seen, in ms; layout: see beat.lua; <session> -> '<generation>|<who>';
--                             clear:<session> -> since when somebody clears that dead session, in ms
-- Scripts that work on one lock have two more:
--   KEYS[6] holders   HASH    see settle.lua
--   KEYS[7] queue     ZSET    id -> ticket
--
-- Each script's first arguments:
--   ARGV[1] PUBLISH, or SPUBLISH in a cluster
--   ARGV[2] what the sessions' channels begin with; the session's id follows
--   ARGV[3] the run id of the server that the caller's connection reached; '' where it cannot be known
--   ARGV[4] when that server started, in ms of its own clock
--   ARGV[5] how long a freeze lasts at least, in ms: the caller's lease
--   ARGV[6] the request, or the session, that it is about (poke.lua and inspect.lua have none)
--
-- Ids: a session is '<letters and digits>', a request '<session>.<number>'. Modes: 'r' reads, 'w' writes.
-- Times are the server's. Numbers that are written as text go through `digits`: Lua's own conversion keeps 14 digits.

local call = redis.call
local SESSIONS, CLOCK, OWNERS, EXPIRED, EPOCH, HOLDERS, QUEUE = unpack(KEYS)
local PUBLISH, CHANNELS, RUN, STARTED, GRACE = unpack(ARGV, 1, 5)
local SESSION = string.match(ARGV[6] or '', '^[^.]*')
local READ, WRITE = 'r', 'w'

-- Every key lives at most so long after its last use: 30 days, in ms. While anybody is there, beats keep the
-- bookkeeping alive, and a daily reclaim the holds; so this only clears up after all have died and nobody ever came
-- back. It is also how long an idle key is remembered as recovered: whoever left data half written looks after it
-- within a month.
local KEEP = 30 * 24 * 60 * 60 * 1000
local KEEP_EXPIRED = 60 * 60 * 1000

local time = call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local function digits(number)
  return string.format('%.0f', number)
end

-- Tickets and fences: strictly rising, though the server's clock may not be.
local function next_tick()
  local tick = math.max(now_us, tonumber(call('GET', CLOCK) or 0) + 1)
  call('SET', CLOCK, digits(tick), 'PX', KEEP)
  return tick
end

-- A server whose memory is full refuses what needs more of it, but not to a script that has begun to write. This
-- begins, for what has to be done all the same: leases are kept, holds end, and those who wait already are granted.
local function write_though_full()
  call('PEXPIRE', EPOCH, KEEP)
end

-- A server that is not the one that was here before may have forgotten who holds what: for the length of one lease
-- everybody says it again, or loses it. Gives back when that time ends, in ms.
local function begin_freeze(run_before)
  -- Where no epoch is left, those who held something were last heard of before the server started.
  local since = run_before and now or tonumber(STARTED)
  local ends = since + math.max(tonumber(GRACE), tonumber(call('HGET', EPOCH, 'grace') or 0))
  write_though_full()
  call('HSET', EPOCH, 'run', RUN, 'until', digits(ends))
  call('PEXPIRE', EPOCH, KEEP)
  return ends
end

-- FROZEN: how long nothing may be granted or taken away, in ms. RECORD: what is known of the session.
local FROZEN, RECORD = 0
do
  local run, ends, record = unpack(call('HMGET', EPOCH, 'run', 'until', SESSION))
  RECORD = record or ''
  if RUN ~= '' then
    FROZEN = math.max((run == RUN and tonumber(ends) or begin_freeze(run)) - now, 0)
  end
end

local function session_of(id)
  return string.match(id, '^[^.]+')
end

local function is_alive(session)
  local lease = call('ZSCORE', SESSIONS, session)
  return lease and tonumber(lease) > now
end

-- True if nobody will hear of a session again. In a freeze one whose lease ended may still come back.
local function is_over(session)
  local lease = tonumber(call('ZSCORE', SESSIONS, session) or -1)
  return lease == 0 or (FROZEN == 0 and lease <= now)
end

local function is_any_session_dead()
  return #call('ZRANGEBYSCORE', SESSIONS, '-inf', now, 'LIMIT', 0, 1) > 0
end

-- True if the session has a younger connection than the caller's: what an old one still had under way comes too late,
-- and could ask again for what was released since.
local function is_stale(generation)
  return tonumber(string.match(RECORD, '^%d+') or 0) > tonumber(generation)
end

local function tell(id, message)
  call(PUBLISH, CHANNELS .. session_of(id), message)
end

local function remember_request(id, mode, expiry, thread, name)
  call('ZADD', OWNERS, 0, table.concat({ id, mode, expiry, thread, name }, '|'))
  call('PEXPIRE', OWNERS, KEEP)
end

-- The request's mode, expiry in ms and thread; nil if it has ended. ('}' is the character after '|'.)
local function find_request(id)
  local member = call('ZRANGEBYLEX', OWNERS, '[' .. id .. '|', '(' .. id .. '}', 'LIMIT', 0, 1)[1]
  if not member then
    return nil
  end
  local mode, expiry, thread = string.match(member, '^[^|]+|(%a)|(%d+)|(%d+)|')
  return mode, tonumber(expiry), tonumber(thread)
end

local function forget_request(id)
  call('ZREMRANGEBYLEX', OWNERS, '[' .. id .. '|', '(' .. id .. '}')
end
