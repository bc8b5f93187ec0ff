docker run --security-opt seccomp=hardened/seccomp.json --cap-drop ALL redis:demo
