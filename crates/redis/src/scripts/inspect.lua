-- Tells who holds a lock and who waits for it. Changes nothing.
--
-- KEYS[1..6] and ARGV[1..5]: see layout.lua
--
-- Reply: { <now in us>, <mode of the holders, '' if there are none>, <recovered 1|0>, <holders>, <queue> }
--   holders, in no order: { <id>, <fence>, <recovered, as it was told>, <thread>, <who> }
--   queue, in order:      { <id>, <ticket>, <mode>, <thread>, <who> }
-- Fences and tickets are the time in us of the grant and of the asking, or a little later; `who` as in beat.lua.

local function who_is(session)
  return string.match(call('HGET', EPOCH, session) or '', '^%d+|%d+|%d+|(.*)$') or ''
end

local mode, recovered = unpack(call('HMGET', HOLDERS, 'mode', 'recovered'))
local holders, queue = {}, {}
for _, id in ipairs(call('HKEYS', HOLDERS)) do
  local fence, _, was_recovered = find_hold(id)
  if fence then
    local _, _, thread = find_request(id)
    table.insert(holders, { id, fence, was_recovered, thread or 0, who_is(session_of(id)) })
  end
end
local waiting = call('ZRANGE', QUEUE, 0, -1, 'WITHSCORES')
for i = 1, #waiting, 2 do
  local id = waiting[i]
  local wanted, _, thread = find_request(id)
  table.insert(queue, { id, tonumber(waiting[i + 1]), wanted or READ, thread or 0, who_is(session_of(id)) })
end
return { now_us, mode or '', tonumber(recovered or 0), holders, queue }
