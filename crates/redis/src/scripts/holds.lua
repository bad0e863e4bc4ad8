-- Who holds a lock, for every script that works on one; it comes after bucket.lua.
--
-- holders, a HASH:
--   mode       how they hold it
--   due        the earliest of their deadlines, or earlier (a holder that left may have had it); 0: none
--   alone      the only holder's entry in owners, if nobody waits and the lock is not recovered. It may be missing then, too:
--              only acquire-free.lua writes it. Whoever changes that takes it away first (`end_solitude`)
--   recovered  1 if the last write hold that ended by death or expiry has not been made good since
--   <id>       '<fence>|<deadline in ms, 0: never>|<recovered, as the grant said>'
-- Without holders and `recovered` the key is gone.
--
-- dues, a ZSET: id -> deadline, of each hold that has one, but not of one that is `alone`. So who is overdue is found
-- without a look at the others.

-- How a hold ends. A write hold that is released leaves the data whole; one that is given back unused leaves it as it
-- was; one that dies or expires may leave it half written.
local NORMAL, DEATH = 'normal', 'death'

-- With so many entries one script works at most, of the holders and of the queue together: the server does nothing else
-- meanwhile. LEFT: how many of them it still may. What is left to do goes on by the next call: see `settle`.
local MOST = 256
local LEFT = MOST

local function keep_deadline(id, deadline)
  call('ZADD', DUES, deadline, id)
  call('PEXPIRE', DUES, KEEP)
end

-- Somebody else comes, or the only holder goes in another way than by release-alone.lua.
local function end_solitude()
  local member, due = unpack(call('HMGET', HOLDERS, 'alone', 'due'))
  if member then
    call('HDEL', HOLDERS, 'alone')
    if due ~= '0' then
      keep_deadline(string.match(member, '^[^|]+'), due)
    end
  end
end

-- Adds holds: { id =, fence =, deadline = } each. Their grants say `recovered`, or else what the lock says of itself. Gives back
-- what they say.
local function add_holds(mode, holds, recovered)
  end_solitude()
  local due, is_recovered = unpack(call('HMGET', HOLDERS, 'due', 'recovered'))
  due = tonumber(due or 0)
  recovered = recovered or tonumber(is_recovered or 0)
  local fields = {}
  for _, hold in ipairs(holds) do
    if hold.deadline > 0 then
      keep_deadline(hold.id, digits(hold.deadline))
      due = due == 0 and hold.deadline or math.min(due, hold.deadline)
    end
    table.insert(fields, hold.id)
    table.insert(fields, table.concat({ digits(hold.fence), digits(hold.deadline), recovered }, '|'))
  end
  call('HSET', HOLDERS, 'mode', mode, 'due', digits(due), unpack(fields))
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
  local mode, hold, recovered, alone = unpack(call('HMGET', HOLDERS, 'mode', id, 'recovered', 'alone'))
  if not hold then
    return false
  end
  if alone then
    call('HDEL', HOLDERS, 'alone')
  elseif not string.find(hold, '|0|', 1, true) then
    call('ZREM', DUES, id)
  end
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
  -- Two at most for each that is added: they never become many.
  for _, old in ipairs(call('ZRANGEBYSCORE', EXPIRED, '-inf', now - KEEP_EXPIRED, 'LIMIT', 0, 2)) do
    call('ZREM', EXPIRED, old)
  end
  call('ZADD', EXPIRED, now, id)
  call('PEXPIRE', EXPIRED, KEEP_EXPIRED)
  publish(id, 'x ' .. id)
end

-- Takes overdue holds away, the longest overdue first, as many as may be. Gives back when the next one is due; 0: never.
local function evict_overdue()
  end_solitude()
  local overdue = call('ZRANGEBYSCORE', DUES, '-inf', now, 'LIMIT', 0, math.max(LEFT, 0))
  for _, id in ipairs(overdue) do
    if is_alive(session_of(id)) then
      expire_hold(id)
    else
      end_hold(id, DEATH)
    end
  end
  LEFT = LEFT - #overdue
  local due = call('ZRANGE', DUES, 0, 0, 'WITHSCORES')[2] or '0'
  if call('HEXISTS', HOLDERS, 'mode') == 1 then
    call('HSET', HOLDERS, 'due', due)
  end
  return tonumber(due)
end

-- Takes away the holds of dead sessions, unless there are too many holders to look at: those are freed when their
-- sessions are cleared (reap.lua).
local function evict_dead()
  if call('HLEN', HOLDERS) > MOST then
    return
  end
  for _, id in ipairs(call('HKEYS', HOLDERS)) do
    -- The lock's own fields are no ids.
    if string.find(id, '.', 1, true) and not is_alive(session_of(id)) then
      end_hold(id, DEATH)
      LEFT = LEFT - 1
    end
  end
end

local function is_compatible(held, mode)
  return not held or (held == READ and mode == READ)
end

-- Whether the holders let one more in, once those are gone who are overdue, or dead and in its way. Not before all of them
-- are gone: if they are too many for one script, it is false and LEFT is 0.
local function admits(mode)
  local held, due = unpack(call('HMGET', HOLDERS, 'mode', 'due'))
  due = tonumber(due or 0)
  if due > 0 and due <= now then
    due = evict_overdue()
    if due > 0 and due <= now then
      return false
    end
    held = call('HGET', HOLDERS, 'mode')
  end
  if not is_compatible(held, mode) and is_any_session_dead() then
    evict_dead()
    held = call('HGET', HOLDERS, 'mode')
  end
  return is_compatible(held, mode)
end

-- When a hold that is granted now is due. `now` is up to a millisecond behind: nobody loses a hold before its expiry.
local function deadline_of(expiry)
  return expiry > 0 and now + 1 + expiry or 0
end
