-- Ends requests of one session, whether they hold or wait. Safe to repeat at any time.
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua. Then KEYS has the holders, the queue and the dues of each request's lock
-- ARGV[5..] their ids
-- The last argument: the purpose of all. 'normal'; 'unused', given back by one that never used it; 'death', its thread ended
-- with it
--
-- Replies, one for each request:
--   released  it held, and the hold has ended
--   left      it waited, and has left the queue
--   expired   the hold had been taken away (known for an hour after)
--   lost      the session's lease has ended, or the server does not know it
--   gone      there is no such request: it was released before, or expired more than an hour ago

local function release(id)
  if end_hold(id, PURPOSE) then
    settle()
    return 'released'
  end
  if call('ZSCORE', EXPIRED, id) then
    return 'expired'
  end
  local was_head = head_of_queue() == id
  if call('ZREM', QUEUE, id) == 1 then
    forget_request(id)
    if was_head then
      settle(nil, true)
    end
    return 'left'
  end
  return is_alive(SESSION) and 'gone' or 'lost'
end

for i = 1, REQUESTS do
  if not replies[i] then
    HOLDERS, QUEUE, DUES = unpack(KEYS, 2 + 3 * i, 4 + 3 * i)
    replies[i] = release(ARGV[4 + i])
  end
end
return replies
