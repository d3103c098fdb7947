-- What wrk runs: asks with prepared requests in turn, and prints its figures in one line for benchmarks/generators.py.
-- wrk ... -- FILE: the requests one behind the other, each behind its length in eight digits.

local prepared, at = {}, 0

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    local content = file:read("*a")
    file:close()
    local from = 1
    while from <= #content do
        local length = tonumber(content:sub(from, from + 7))
        prepared[#prepared + 1] = content:sub(from + 8, from + 7 + length)
        from = from + 8 + length
    end
end

function request()
    at = at % #prepared + 1
    return prepared[at]
end

-- times in microseconds
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("\nFIGURES %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.timeout, errors.status,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
