"""What the demo and the tests share: a running stack, and a oneM2M application on MQTT."""
