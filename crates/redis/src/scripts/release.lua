-- Ends a request, whether it holds or waits. Safe to repeat at any time.
--
-- KEYS[1..6] and ARGV[1..4]: see layout.lua
-- ARGV[5] request id
-- ARGV[6] purpose: 'normal'; 'unused', given back by one that never used it; 'death', its thread ended with it
--
-- Replies:
--   released  it held, and the hold has ended
--   left      it waited, and has left the queue
--   expired   the hold had been taken away (told for an hour after)
--   lost      the session's lease has ended, or the server does not know it
--   gone      there is no such request: it was released before, or expired more than an hour ago

local ID, PURPOSE = ARGV[5], ARGV[6]

if end_hold(ID, PURPOSE) then
  settle()
  return 'released'
end
if call('ZSCORE', EXPIRED, ID) then
  return 'expired'
end
local was_head = head_of_queue() == ID
if call('ZREM', QUEUE, ID) == 1 then
  forget_request(ID)
  if was_head then
    settle(nil, true)
  end
  return 'left'
end
return is_alive(SESSION) and 'gone' or 'lost'
