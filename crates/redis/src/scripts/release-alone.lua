-- The usual case of release.lua: holds with which there is nothing else to their locks, as acquire-free.lua left them. It
-- comes after layout.lua, and goes on to the rest if there is any other request.
local REQUESTS, PURPOSE = #ARGV - 5, ARGV[#ARGV]
-- The replies, of those that are known.
local replies = {}
do
  local locks, members = {}, {}
  for i = 1, PURPOSE == 'normal' and REQUESTS or 0 do
    local id, holders = ARGV[4 + i], KEYS[2 + 3 * i]
    local member = call('HGET', holders, 'alone')
    if member and string.sub(member, 1, #id + 1) == id .. '|' then
      replies[i] = 'released'
      locks[#locks + 1] = holders
      members[#members + 1] = member
    end
  end
  if #locks > 0 then
    call('DEL', unpack(locks))
    call('ZREM', OWNERS, unpack(members))
    if #locks == REQUESTS then
      return replies
    end
  end
end
