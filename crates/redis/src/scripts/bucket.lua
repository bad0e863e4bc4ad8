-- What every script goes on with, after layout.lua: the time, ticks, the freeze after a restart, sessions and requests.

local CHANNELS, RUN, SINCE, LEASE = unpack(ARGV, 1, 4)
local SESSION = string.match(ARGV[5] or '', '^[^.]*')
local READ, WRITE = 'r', 'w'

local KEEP_EXPIRED = 60 * 60 * 1000

local time = call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local function digits(number)
  return string.format('%.0f', number)
end

-- Tickets and fences: strictly rising, though the server's clock may not be. Gives back the first of `count`, which follow
-- each other.
local function next_ticks(count)
  local tick = math.max(now_us, tonumber(call('HGET', EPOCH, 'tick') or 0) + 1)
  call('HSET', EPOCH, 'tick', digits(tick + count - 1))
  return tick
end

-- From now on ticks are higher than one that a server gave out whose clock was ahead of this one's.
local function raise_ticks(tick)
  if tonumber(call('HGET', EPOCH, 'tick') or 0) < tonumber(tick) then
    call('HSET', EPOCH, 'tick', tick)
  end
end

-- A server whose memory is full refuses what needs more of it, but not to a script that has begun to write. This
-- begins, for what has to be done all the same: leases are kept, holds end, and those who wait already are granted.
local function write_though_full()
  call('PEXPIRE', EPOCH, KEEP)
end

-- A session's entry among the owners, which stand in the order of their leases, the shortest first, and before all
-- requests. It also keeps the owners from vanishing, and with them the time that they are kept, while there are sessions:
-- a beat renews that time, so that nobody who adds a request has to. ('"' is the character after '!'.)
local function lease_entry(session, lease)
  return string.format('!%010d|%s', lease, session)
end

-- The longest lease of the sessions that lived at a time, in ms; 0 if none did. So many dead ones that have longer ones are
-- not looked at: then the longest of the others may be shorter.
local MOST_LEASES = 256
local function longest_lease(since)
  local entries = call('ZREVRANGEBYLEX', OWNERS, '("', '[!', 'LIMIT', 0, MOST_LEASES)
  for i, entry in ipairs(entries) do
    local lease, session = string.match(entry, '^!(%d+)|(.*)$')
    if i == MOST_LEASES or tonumber(call('ZSCORE', SESSIONS, session) or 0) > since then
      return tonumber(lease)
    end
  end
  return 0
end

-- A server that is not the one that was here before may have forgotten who holds what: for the length of one lease
-- everybody says it again, or loses it. Gives back when that time ends, in ms.
local function begin_freeze()
  local since = SINCE == '' and now or tonumber(SINCE)
  local ends = since + math.max(tonumber(LEASE), longest_lease(since))
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
    FROZEN = math.max((run == RUN and tonumber(ends) or begin_freeze()) - now, 0)
  end
end

local function session_of(id)
  return string.match(id, '^[^.]+')
end

-- What has been looked up of sessions: many requests are of the same one.
local lives = {}

local function is_alive(session)
  if lives[session] == nil then
    local ends = call('ZSCORE', SESSIONS, session)
    lives[session] = ends and tonumber(ends) > now or false
  end
  return lives[session]
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

local function publish(id, message)
  call('PUBLISH', CHANNELS .. session_of(id), message)
end

local function remember_request(id, mode, expiry, asker, name)
  -- Not kept alive here: see `lease_entry`.
  call('ZADD', OWNERS, 0, table.concat({ id, mode, expiry, asker, name }, '|'))
end

-- The request's mode, expiry in ms and asker; nil if it has ended. ('}' is the character after '|'.)
local function find_request(id)
  local member = call('ZRANGEBYLEX', OWNERS, '[' .. id .. '|', '(' .. id .. '}', 'LIMIT', 0, 1)[1]
  if not member then
    return nil
  end
  local mode, expiry, asker = string.match(member, '^[^|]+|(%a)|(%d+)|([^|]*)|')
  return mode, tonumber(expiry), asker
end

local function forget_request(id)
  call('ZREMRANGEBYLEX', OWNERS, '[' .. id .. '|', '(' .. id .. '}')
end
