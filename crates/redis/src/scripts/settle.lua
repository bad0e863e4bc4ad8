-- `settle`, which restores a lock's order after each change: nobody waits who could hold. It comes after holds.lua.
--
-- Messages to the sessions' channels:
--   g <id> <fence> <recovered>  granted: this message is the grant
--   x <id>                      expired: the hold was taken away; said before the next one is granted
--   h <id> <ms>                 to be poked (poke.lua) after that time, since it is at the head of the queue, or the first
--                               there that lives

-- What the answer of a script says that had to leave something to the next call: -1 if a message has somebody make
-- it, 0 if its caller should. nil: nothing is left.
local REST

local function head_of_queue()
  return call('ZRANGE', QUEUE, 0, 0)[1]
end

-- How long until the request at the head has to be looked after, in ms; -1: not before something happens.
local function head_wait()
  if FROZEN > 0 then
    return FROZEN
  end
  if REST then
    return REST
  end
  local due = tonumber(call('HGET', HOLDERS, 'due') or 0)
  return due > 0 and math.max(due - now, 0) or -1
end

-- Has somebody make the next call: the caller may die before it can. Where all are dead that are looked at, it is whoever
-- clears them.
local function leave_the_rest()
  REST = 0
  for _, id in ipairs(call('ZRANGE', QUEUE, 0, MOST - 1)) do
    if is_alive(session_of(id)) then
      REST = -1
      publish(id, 'h ' .. id .. ' 0')
      return
    end
  end
end

-- Grants the lock to those who stand first in the queue: { id =, expiry = } each.
local function grant_all(mode, requests, caller)
  write_though_full()
  local fence = next_ticks(#requests)
  local ids = {}
  for i, request in ipairs(requests) do
    request.fence = fence + i - 1
    request.deadline = deadline_of(request.expiry)
    table.insert(ids, request.id)
  end
  -- The holds are written before the requests leave the queue: scripts do not roll back.
  local recovered = add_holds(mode, requests)
  call('ZREM', QUEUE, unpack(ids))
  for _, request in ipairs(requests) do
    if request.id ~= caller then
      publish(request.id, 'g ' .. request.id .. ' ' .. digits(request.fence) .. ' ' .. recovered)
    end
  end
end

-- Looks at the first requests of the queue, up to `size`: drops who died, grants the first of the others if the holders admit
-- it, and the readers who stand next to a reader. Gives back the head that nobody admits; nil if it is not known.
local function settle_some(size, caller)
  local granted_mode
  local granted = {}
  local blocked
  for _, id in ipairs(call('ZRANGE', QUEUE, 0, size - 1)) do
    local mode, expiry = find_request(id)
    if not mode or not is_alive(session_of(id)) then
      call('ZREM', QUEUE, id)
      forget_request(id)
      LEFT = LEFT - 1
    elseif (not granted_mode and admits(mode)) or (granted_mode == READ and mode == READ) then
      granted_mode = mode
      table.insert(granted, { id = id, expiry = expiry })
    else
      blocked = not granted_mode and LEFT > 0 and id or nil
      break
    end
  end
  if granted_mode then
    grant_all(granted_mode, granted, caller)
    LEFT = LEFT - #granted
  end
  return blocked
end

-- Grants from the head of the queue for as long as the holders admit it; drops who died. `caller` gets no message of
-- its grant, since the script's reply says so. `moved`: the head is another than the one that knows when to poke.
-- True if nobody waits any more. Works on MOST entries at most, and leaves the rest to the next call.
local function settle(caller, moved)
  if FROZEN > 0 then
    return call('EXISTS', QUEUE) == 0
  end
  local size = 1
  while LEFT > 0 do
    local blocked = settle_some(math.min(size, LEFT), caller)
    if blocked then
      local wait = head_wait()
      if moved and wait >= 0 and blocked ~= caller then
        publish(blocked, 'h ' .. blocked .. ' ' .. digits(wait))
      end
      return false
    end
    if call('EXISTS', QUEUE) == 0 then
      return true
    end
    moved = true
    size = size * 4
  end
  leave_the_rest()
  return false
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
