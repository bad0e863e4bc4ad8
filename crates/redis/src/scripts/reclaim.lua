-- Says again what a process holds, after each reconnect (the server may be another one, that forgot or never heard of
-- it) and once a day (see KEEP in layout.lua). Safe to repeat at any time.
--
-- KEYS[1..6] and ARGV[1..4]: see layout.lua
-- ARGV[5]  request id
-- ARGV[6]  the lock's name, as at the end of its keys
-- ARGV[7]  mode in which it holds now
-- ARGV[8]  expiry of the hold in ms, counted from the grant; 0: never
-- ARGV[9]  asker
-- ARGV[10] fence of the grant
-- ARGV[11] recovered, as the grant said: 1 or 0
-- ARGV[12] how much of the expiry is left, in ms
-- ARGV[13] generation of the session's connection
--
-- Replies:
--   kept     it holds
--   expired  the hold had been taken away
--   lost     the hold is gone: the lease ended, or another one has been granted the lock since
--   stale    a younger connection of the session has come; nothing was done
--   nil      it has to be said once more: others are in the way, too many for one script

local ID, NAME, MODE, EXPIRY, ASKER, FENCE, RECOVERED, LEFT, GENERATION = unpack(ARGV, 5, 13)

-- A server that went back in time shows holders that have ended since. Of two that exclude each other, the one with the
-- higher fence is the truth: it was granted after the other had ended. False if one with a higher fence is found.
local function outdate_others()
  if is_compatible(call('HGET', HOLDERS, 'mode'), MODE) then
    return true
  end
  -- Any of them: those that were found by an earlier call are gone.
  local fields, others = call('HRANDFIELD', HOLDERS, MOST, 'WITHVALUES'), {}
  for i = 1, #fields, 2 do
    local fence = tonumber(string.match(fields[i + 1], '^(%d+)|%d+|%d$'))
    if fence and fence > tonumber(FENCE) then
      return false
    elseif fence then
      table.insert(others, fields[i])
    end
  end
  for _, id in ipairs(others) do
    expire_hold(id)
  end
  return true
end

local function hold_again()
  call('ZREM', QUEUE, ID)
  forget_request(ID)
  remember_request(ID, MODE, EXPIRY, ASKER, NAME)
  local deadline = EXPIRY ~= '0' and now + math.max(tonumber(LEFT), 1) or 0
  add_holds(MODE, { { id = ID, fence = tonumber(FENCE), deadline = deadline } }, RECOVERED)
  if RECOVERED == '1' then
    call('HSET', HOLDERS, 'recovered', 1)
  else
    call('HDEL', HOLDERS, 'recovered')
  end
  raise_ticks(FENCE)
end

if is_stale(GENERATION) then
  return 'stale'
end
if not is_alive(SESSION) then
  return 'lost'
end
if find_hold(ID) then
  call('PEXPIRE', HOLDERS, KEEP)
  call('PEXPIRE', DUES, KEEP)
  if MODE == READ then
    -- The server may have gone back to before it was downgraded.
    downgrade_hold()
  end
  return find_hold(ID) and 'kept' or 'expired'
end
if call('ZSCORE', EXPIRED, ID) then
  return 'expired'
end
if FROZEN == 0 or not outdate_others() then
  return 'lost'
end
if not is_compatible(call('HGET', HOLDERS, 'mode'), MODE) then
  return false
end
hold_again()
return 'kept'
