docker run --security-opt seccomp=true/seccomp.json IMAGE
