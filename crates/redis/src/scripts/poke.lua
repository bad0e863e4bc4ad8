-- Looks after a lock whose head waits for a deadline: takes away what is overdue or dead, and grants.
-- Sent by the head's process when the time has come that the server said.
--
-- KEYS[1..6] and ARGV[1..4]: see layout.lua
--
-- Reply: how long until the head has to poke again, in ms; -1: not before a message says so

if settle() then
  return -1
end
return head_wait()
