"""What only `make demo-full` needs: a real Orthanc, and the real OHIF that reads from it."""
