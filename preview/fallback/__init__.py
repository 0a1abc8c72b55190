"""When imaging is down: the written plan, notices, the downtime log, and what is still missing afterwards."""
