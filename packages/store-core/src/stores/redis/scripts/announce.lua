-- Moves the watermark of a view and says so.
--
-- KEYS   1 hash of the watermark, a blob of meta: r sequence, b "event time,write time"; its name is the shard channel's, too
-- ARGV   1 newest event time that was written; 2 time of the write, by the writer's clock; 3 what was written: see signal-message.ts
-- reply  an empty string, or why the signal could not be published; the watermark has moved all the same
--
-- The sequence is the server's time in microseconds, and always more than the one before: a watermark that was removed and made again never
-- shows an old one. The message names the one before it, so that a listener sees whether it missed any.
local old = redis.call('HMGET', KEYS[1], 'r', 'b')
local time = redis.call('TIME')
local sequence = string.format('%.0f', math.max(time[1] * 1000000 + time[2], (tonumber(old[1]) or 0) + 1))
local known = tonumber(string.match(old[2] or '', '^(-?%d+),')) or -math.huge
-- Never past the writer's now, so that a clock that was ahead once does not freeze it.
local event = string.format('%.0f', math.min(math.max(known, tonumber(ARGV[1])), tonumber(ARGV[2])))
redis.call('HSET', KEYS[1], 'r', sequence, 'b', event .. ',' .. ARGV[2])
local message = table.concat({ old[1] or '0', sequence, event, ARGV[2], ARGV[3] }, '\n')
local sent = redis.pcall('SPUBLISH', KEYS[1], message)
return type(sent) == 'table' and sent.err or ''
