-- Writes a named blob iff its revision is still the expected one.
--
-- KEYS   1 hash of the blob: r revision, b bytes
-- ARGV   1 expected revision, empty: the blob must not exist; 2 bytes
-- reply  the new revision, or false when the expectation did not hold
--
-- A revision is the server's time in microseconds, and always more than the one before: a blob that was removed and written again never
-- shows an old revision.
local old = redis.call('HGET', KEYS[1], 'r')
if (old or '') ~= ARGV[1] then return false end
local time = redis.call('TIME')
local revision = math.max(time[1] * 1000000 + time[2], (tonumber(old) or 0) + 1)
local text = string.format('%.0f', revision)
redis.call('HSET', KEYS[1], 'r', text, 'b', ARGV[2])
return text
