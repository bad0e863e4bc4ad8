-- What every script that works on one lock begins with, after bucket.lua: its holders, its queue, and `settle`, which
-- restores the lock's order after each change: nobody waits who could hold.
--
-- holders, a HASH:
--   mode       how they hold it
--   due        the earliest of their deadlines, or earlier (a holder that left may have had it); 0: none
--   alone      the only holder's entry in owners, if nobody waits and the lock is not recovered. It may be missing then, too:
--              only acquire-free.lua writes it. Whoever changes that takes it away first (`end_solitude`)
--   recovered  1 if the last write hold that ended by death or expiry has not been made good since
--   <id>       '<fence>|<deadline in ms, 0: never>|<recovered, as it was told>'
-- Without holders and `recovered` the key is gone.
--
-- Messages to the sessions' channels:
--   g <id> <fence> <recovered>  granted: this message is the grant
--   x <id>                      expired: the hold was taken away; said before the next one is granted
--   h <id> <ms>                 now at the head of the queue; to be poked (poke.lua) after that time

-- How a hold ends. A write hold that is released leaves the data whole; one that is given back unused leaves it as it
-- was; one that dies or expires may leave it half written.
local NORMAL, DEATH = 'normal', 'death'

-- Somebody else comes, or the only holder goes in another way than by release-alone.lua.
local function end_solitude()
  call('HDEL', HOLDERS, 'alone')
end

-- Adds a hold that is told `recovered`, or else what the lock says of itself. Gives back what it is told.
local function add_holder(id, mode, fence, deadline, recovered)
  end_solitude()
  local due, is_recovered = unpack(call('HMGET', HOLDERS, 'due', 'recovered'))
  due = tonumber(due or 0)
  recovered = recovered or tonumber(is_recovered or 0)
  if deadline > 0 and (due == 0 or deadline < due) then
    due = deadline
  end
  local hold = table.concat({ digits(fence), digits(deadline), recovered }, '|')
  call('HSET', HOLDERS, 'mode', mode, 'due', digits(due), id, hold)
  call('PEXPIRE', HOLDERS, KEEP)
  return recovered
end

-- The hold's fence, deadline in ms and `recovered` (a number, 1 or 0); nil if there is none.
local function find_hold(id)
  local fence, deadline, recovered = string.match(call('HGET', HOLDERS, id) or '', '^(%d+)|(%d+)|(%d)$')
  return tonumber(fence), tonumber(deadline), tonumber(recovered)
end

-- Ends a hold. False if there is none.
local function end_hold(id, how)
  local mode, hold, recovered = unpack(call('HMGET', HOLDERS, 'mode', id, 'recovered'))
  if not hold then
    return false
  end
  end_solitude()
  if mode == WRITE and how == NORMAL and recovered then
    call('HDEL', HOLDERS, 'recovered')
    recovered = false
  elseif mode == WRITE and how == DEATH then
    write_though_full()
    call('HSET', HOLDERS, 'recovered', 1)
    recovered = true
  end
  local own_fields = recovered and 3 or 2
  if call('HLEN', HOLDERS) - own_fields > 1 then
    call('HDEL', HOLDERS, id)
  elseif recovered then
    call('HDEL', HOLDERS, id, 'mode', 'due')
  else
    call('DEL', HOLDERS)
  end
  forget_request(id)
  return true
end

-- Takes a hold away from a session that may believe in it.
local function expire_hold(id)
  end_hold(id, DEATH)
  call('ZREMRANGEBYSCORE', EXPIRED, '-inf', now - KEEP_EXPIRED)
  call('ZADD', EXPIRED, now, id)
  call('PEXPIRE', EXPIRED, KEEP_EXPIRED)
  tell(id, 'x ' .. id)
end

-- Takes away each hold that is overdue or whose session is dead. Looks at all holders, so only when there is a reason.
local function evict()
  local fields = call('HGETALL', HOLDERS)
  local due = 0
  for i = 1, #fields, 2 do
    -- The lock's own fields have no deadline.
    local id, deadline = fields[i], tonumber(string.match(fields[i + 1], '^%d+|(%d+)|'))
    if deadline and not is_alive(session_of(id)) then
      end_hold(id, DEATH)
    elseif deadline and deadline > 0 and deadline <= now then
      expire_hold(id)
    elseif deadline and deadline > 0 and (due == 0 or deadline < due) then
      due = deadline
    end
  end
  if call('HEXISTS', HOLDERS, 'mode') == 1 then
    call('HSET', HOLDERS, 'due', digits(due))
  end
end

local function is_compatible(held, mode)
  return not held or (held == READ and mode == READ)
end

-- Whether the holders let one more in, once those are gone who are overdue, or dead and in its way.
local function admits(mode)
  local held, due = unpack(call('HMGET', HOLDERS, 'mode', 'due'))
  due = tonumber(due or 0)
  local is_overdue = due > 0 and due <= now
  if is_overdue or (not is_compatible(held, mode) and is_any_session_dead()) then
    evict()
    held = call('HGET', HOLDERS, 'mode')
  end
  return is_compatible(held, mode)
end

local function grant(id, mode, expiry)
  local fence = next_tick()
  -- `now` is up to a millisecond behind: nobody loses a hold before its expiry.
  return fence, add_holder(id, mode, fence, expiry > 0 and now + 1 + expiry or 0)
end

local function head_of_queue()
  return call('ZRANGE', QUEUE, 0, 0)[1]
end

-- How long until the request at the head has to be looked after, in ms; -1: not before something happens.
local function head_wait()
  if FROZEN > 0 then
    return FROZEN
  end
  local due = tonumber(call('HGET', HOLDERS, 'due') or 0)
  return due > 0 and math.max(due - now, 0) or -1
end

-- Grants from the head of the queue for as long as the holders admit it; drops who died. `caller` is not told of its
-- grant, since the script's reply says so. `moved`: the head is another than the one that was told when to poke.
-- True if nobody waits any more.
local function settle(caller, moved)
  if FROZEN > 0 then
    return call('EXISTS', QUEUE) == 0
  end
  while true do
    local id = head_of_queue()
    if not id then
      return true
    end
    local mode, expiry = find_request(id)
    if not mode or not is_alive(session_of(id)) then
      call('ZREM', QUEUE, id)
      forget_request(id)
    elseif admits(mode) then
      write_though_full()
      -- The hold is written before the request leaves the queue: scripts do not roll back.
      local fence, recovered = grant(id, mode, expiry)
      call('ZREM', QUEUE, id)
      if id ~= caller then
        tell(id, 'g ' .. id .. ' ' .. digits(fence) .. ' ' .. recovered)
      end
    else
      local wait = head_wait()
      if moved and wait >= 0 and id ~= caller then
        tell(id, 'h ' .. id .. ' ' .. digits(wait))
      end
      return false
    end
    moved = true
  end
end

-- Makes a write hold a read hold, unless it is one already. What it had to write is written, so a recovered lock is whole
-- from here on, and readers at the head of the queue join it.
local function downgrade_hold()
  if call('HGET', HOLDERS, 'mode') == WRITE then
    write_though_full()
    call('HSET', HOLDERS, 'mode', READ)
    call('HDEL', HOLDERS, 'recovered')
    settle()
  end
end
