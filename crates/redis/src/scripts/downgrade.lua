-- Makes a write hold a read hold with the same fence; readers at the head of the queue join it. What it had to write is
-- written, so a recovered lock is whole from here on. Safe to repeat at any time.
--
-- KEYS[1..6] and ARGV[1..4]: see layout.lua
-- ARGV[5] request id
--
-- Replies:
--   reads    it is a read hold now, or was one before
--   expired  the hold has been taken away, perhaps just now
--   lost     the session's lease has ended, or the server does not know it
--   gone     it holds nothing

local ID = ARGV[5]

if find_hold(ID) then
  downgrade_hold()
  return find_hold(ID) and 'reads' or 'expired'
end
if call('ZSCORE', EXPIRED, ID) then
  return 'expired'
end
return is_alive(SESSION) and 'gone' or 'lost'
