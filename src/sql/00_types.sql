\echo Use "CREATE EXTENSION bnai" to load this file. \quit
