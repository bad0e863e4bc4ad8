-- Ends one request of a dead session, as by death: what it held is free, and if it wrote, the lock is recovered.
-- Anybody may, any number of times.
--
-- KEYS[1..6] and ARGV[1..4]: see layout.lua
-- ARGV[5] request id
--
-- Reply: 1, or 0 if the session is not dead, or may still come back because the bucket is frozen

local ID = ARGV[5]

if not is_over(SESSION) then
  return 0
end
local was_head = head_of_queue() == ID
end_hold(ID, DEATH)
call('ZREM', QUEUE, ID)
forget_request(ID)
settle(nil, was_head)
return 1
